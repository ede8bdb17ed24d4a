import { expect, test } from '@jest/globals';
import { Operations } from '@stowage/api/operations/v1';
import { type Descriptor, Fault, parseDigest } from '@stowage/core';
import type { OperationService } from '@stowage/operations';
import { localOperations } from '@stowage/operations/local';
import { remoteOperations } from '@stowage/operations/remote';
import { operationRoutes } from '@stowage/operations/service';
import { type Routes, serviceRoutes } from '@stowage/rpc';
import { memoryTransport } from '@stowage/rpc/transport';
import { askedOnce, reported, reportedBytes } from '../src/report.ts';

const NS = { namespace: 'n' };
const PULL = { kind: 'pull', subject: 'registry.example/demo:v1' };
const descriptor: Descriptor = {
  ...{ mediaType: 'application/vnd.oci.image.layer.v1.tar', size: 10n },
  digest: parseDigest(`sha256:${'a'.repeat(64)}`),
};

/** A daemon's operations, and a client of it. */
function daemon() {
  const local = localOperations();
  const routes = operationRoutes((scope) => local.scope(scope));
  return { here: local.scope(NS), operations: remoteOperations(memoryTransport(routes), NS) };
}

const all = (operations: OperationService) => Array.fromAsync(operations.list());

async function begun(operations: OperationService): Promise<string> {
  for await (const change of operations.subscribe())
    if (change.type === 'changed') return change.operation.id;
  throw new Error('nothing began');
}

test('what is done is told with its progress, and so is the caller', async () => {
  const { here, operations } = daemon();
  const heard: bigint[] = [];
  const onProgress = ({ bytes }: { readonly bytes: bigint }) => void heard.push(bytes);
  const result = await reported(operations, PULL, { onProgress }, async (told) => {
    told.onPhase('resolve');
    for (const bytes of [5n, 10n])
      told.onProgress({ stage: 'fetch', descriptor, state: bytes === 10n ? 'done' : 'running', bytes });
    return 'result';
  });
  expect(result).toBe('result');
  expect(heard).toEqual([5n, 10n]);
  expect(await all(here)).toMatchObject([
    {
      ...{ ...PULL, state: 'done', phases: [{ name: 'resolve' }, { name: 'fetch' }] },
      startedBy: expect.stringContaining(`(pid ${process.pid})`),
      parts: [{ name: descriptor.digest, stage: 'fetch', state: 'done', bytesDone: 10n, bytesTotal: 10n }],
    },
  ]);
});

test('a failure is told, and thrown as it is', async () => {
  const { here, operations } = daemon();
  const failure = new Fault('not_found', 'resolve x: not found');
  const work = reported(operations, PULL, {}, () => Promise.reject(failure));
  await expect(work).rejects.toBe(failure);
  expect(await all(here)).toMatchObject([
    { state: 'failed', error: { kind: 'not_found', message: failure.message } },
  ]);
});

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

test('somebody else can cancel it', async () => {
  const { here, operations } = daemon();
  const work = reported(operations, PULL, {}, ({ signal }) => untilAborted(signal));
  await here.cancel(await begun(here));
  await expect(work).rejects.toMatchObject({ kind: 'canceled' });
  expect(await all(here)).toMatchObject([{ state: 'canceled' }]);
});

test('the caller can give up, for any reason', async () => {
  const { here, operations } = daemon();
  const stop = new AbortController();
  const work = reported(operations, PULL, { signal: stop.signal }, ({ signal }) => untilAborted(signal));
  await begun(here);
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(work).rejects.toBe(reason);
  expect(await all(here)).toMatchObject([{ state: 'canceled', error: { message: 'enough' } }]);
});

test('bytes are told as they are taken; who leaves early has canceled', async () => {
  const { here, operations } = daemon();
  async function* archive() {
    for (let i = 0; i < 3; i += 1) yield new Uint8Array(100);
  }
  const what = { kind: 'export', subject: 'x' };
  const chunks = await Array.fromAsync(reportedBytes(operations, what, 'write', {}, archive));
  expect(chunks).toHaveLength(3);
  for await (const _ of reportedBytes(operations, what, 'write', {}, archive)) break;
  expect(await all(here)).toMatchObject([
    { state: 'done', parts: [{ name: 'archive', stage: 'write', state: 'done', bytesDone: 300n }] },
    { state: 'canceled' },
  ]);
});

test('a daemon that has no operations is asked once, and all is done without', async () => {
  let asked = 0;
  const remote = remoteOperations(memoryTransport([]), NS);
  const operations = askedOnce({
    ...remote,
    begin: (operation, options) => {
      asked += 1;
      return remote.begin(operation, options);
    },
  });
  for (let i = 0; i < 3; i += 1) expect(await reported(operations, PULL, {}, async () => i)).toBe(i);
  expect(asked).toBe(1);
});

/** Takes what is reported, and never says a word. */
const silent: Routes = serviceRoutes(Operations, {
  async *report(_, { signal }) {
    await untilAborted(signal);
    yield {};
  },
});

test.each([
  ['does not answer', silent],
  [
    'breaks off',
    serviceRoutes(Operations, {
      // biome-ignore lint/correctness/useYield: it fails first.
      async *report() {
        throw new Fault('unavailable', 'gone');
      },
    }),
  ],
])('a daemon that %s changes nothing', async (_, routes) => {
  const operations = remoteOperations(memoryTransport(routes), NS);
  expect(await reported(operations, PULL, {}, async () => 'done')).toBe('done');
});
