import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Version } from '@stowage/api/version/v1';
import { Fault, type FaultKind } from '@stowage/core';
import fc from 'fast-check';
import { fromConnect, rpcClient, serviceRoutes, toConnect } from '../src/index.ts';
import { memoryTransport } from '../src/transport.ts';
import { serve } from './fixture.ts';

const KINDS: Readonly<Record<FaultKind, string>> = {
  canceled: 'Canceled',
  unknown: 'Unknown',
  invalid_argument: 'InvalidArgument',
  deadline_exceeded: 'DeadlineExceeded',
  not_found: 'NotFound',
  already_exists: 'AlreadyExists',
  permission_denied: 'PermissionDenied',
  resource_exhausted: 'ResourceExhausted',
  failed_precondition: 'FailedPrecondition',
  conflict: 'FailedPrecondition',
  not_modified: 'FailedPrecondition',
  aborted: 'Aborted',
  out_of_range: 'OutOfRange',
  unimplemented: 'Unimplemented',
  internal: 'Internal',
  unavailable: 'Unavailable',
  data_loss: 'DataLoss',
  unauthenticated: 'Unauthenticated',
};
const kinds = Object.keys(KINDS) as FaultKind[];
/** Any text; well-formed, since nothing else can be written as UTF-8. */
const message = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    'conflict',
    'not modified',
    'a: conflict',
    'a: not modified',
    'a conflict',
    'x\n\t\0 % ü €',
  ),
);
/** A failed_precondition that reads like another kind is told apart by nobody, Go's clients included. */
const unclear = (kind: FaultKind, text: string) =>
  kind === 'failed_precondition' && /(^|: )(conflict|not modified)$/.test(text);

test('fromConnect after toConnect is the identity in kind and message', () => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), message, (kind, text) => {
      fc.pre(!unclear(kind, text));
      const wire = toConnect(new Fault(kind, text)) as ConnectError;
      expect(Code[wire.code]).toBe(KINDS[kind]);
      expect(fromConnect(wire)).toMatchObject({ name: 'Fault', kind, message: text });
    }),
  );
});

test('so it is through a server', async () => {
  let next = new Fault('unknown', '');
  const routes = serviceRoutes(Version, {
    version() {
      throw next;
    },
  });
  await using s = await serve([routes]);
  for (const transport of [s.transport, memoryTransport(routes)]) {
    const client = rpcClient(Version, transport);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...kinds), message, async (kind, text) => {
        fc.pre(!unclear(kind, text));
        next = new Fault(kind, text);
        await expect(client.version({})).rejects.toMatchObject({ name: 'Fault', kind, message: text });
      }),
    );
    next = new Fault('internal', `${'€'.repeat(1e6)}`);
    await expect(client.version({})).rejects.toMatchObject({ message: `${'€'.repeat(6144)}…` });
    next = new Fault('internal', 'half \ud800 pair');
    await expect(client.version({})).rejects.toMatchObject({ message: 'half \ufffd pair' });
  }
});

test('conflict and not modified end as Go clients want them', () => {
  expect((toConnect(new Fault('conflict', 'task x')) as ConnectError).rawMessage).toBe('task x: conflict');
  expect((toConnect(new Fault('not_modified', 'task x')) as ConnectError).rawMessage).toBe(
    'task x: not modified',
  );
  const bare = new ConnectError('not modified', Code.FailedPrecondition);
  expect(fromConnect(bare)).toMatchObject({ kind: 'not_modified' });
});

test('aborts and timeouts have codes of their own; anything else passes', () => {
  expect(toConnect(AbortSignal.abort().reason)).toMatchObject({ code: Code.Canceled });
  expect(toConnect(new DOMException('x', 'TimeoutError'))).toMatchObject({ code: Code.DeadlineExceeded });
  const bug = new TypeError('x');
  expect(toConnect(bug)).toBe(bug);
  expect(toConnect(undefined)).toBe(undefined);
});

test('the reason of our own signal wins', () => {
  const reason = new Fault('aborted', 'mine');
  expect(fromConnect(new ConnectError('x', Code.Internal), AbortSignal.abort(reason))).toBe(reason);
});
