import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import type { Operation } from '@stowage/operations';
import { localOperations } from '@stowage/operations/local';
import type { StoredImage, TransferObject, TransferOptions, Transfers } from '@stowage/transfer';
import { recordedTransfers } from '../src/recorded.ts';
import { digestsIn, type House, house, twoPlatforms } from './house.ts';

const NAME = 'registry.example/two:v1';
let at: House;

beforeAll(async () => {
  at = await house(true);
  const { content, images } = at.view('source');
  await images.create({ name: NAME, target: await twoPlatforms(content), labels: {} });
}, 60_000);
afterAll(async () => {
  await at[Symbol.asyncDispose]();
});

const stored = (name: string): StoredImage => ({ kind: 'store', name });

/** Does one transfer, and looks at what is told of it after. */
async function told(
  namespace: string,
  source: TransferObject,
  destination: TransferObject,
  options: TransferOptions = {},
  transfers: Transfers = at.transfers(namespace),
): Promise<{ readonly operations: Operation[]; readonly failure: unknown }> {
  const operations = localOperations();
  let failure: unknown;
  try {
    await recordedTransfers(
      () => transfers,
      operations,
    )({ namespace }).transfer(source, destination, options);
  } catch (e) {
    failure = e;
  }
  return { operations: await Array.fromAsync(operations.scope({ namespace }).list()), failure };
}

test('a push and a pull are told with every blob, and its bytes', async () => {
  const reference = `${at.host}/two:v1`;
  const heard: string[] = [];
  const onProgress: TransferOptions['onProgress'] = ({ event }) => void heard.push(event);
  const registry = { kind: 'registry' as const, reference };
  const pushed = await told('source', stored(NAME), registry, { startedBy: 'a test', onProgress });
  expect(pushed.failure).toBeUndefined();
  expect(pushed.operations).toMatchObject([
    { kind: 'push', subject: reference, startedBy: 'a test', state: 'done', phases: [{ name: 'push' }] },
  ]);
  expect(heard).toContain('complete');

  const pulled = await told('pulled', registry, stored('pulled'));
  expect(pulled.failure).toBeUndefined();
  const phases = ['resolve', 'fetch', 'commit'].map((name) => ({ name }));
  expect(pulled.operations).toMatchObject([{ kind: 'pull', subject: reference, state: 'done', phases }]);
  const all = await digestsIn(at.view('pulled').content);
  for (const { operations } of [pushed, pulled]) {
    const parts = operations[0]?.parts ?? [];
    expect(new Set(parts.map(({ name }) => name))).toEqual(all);
    expect(parts.filter(({ bytesDone, bytesTotal }) => bytesDone !== bytesTotal)).toEqual([]);
    expect(new Set(parts.map(({ state }) => state))).toEqual(new Set(['done']));
  }
});

test('an export and an import are told with the bytes of the archive', async () => {
  const archive: Uint8Array[] = [];
  const write = async (bytes: AsyncIterable<Uint8Array>) => {
    for await (const chunk of bytes) archive.push(chunk);
  };
  const exported = await told('source', stored(NAME), { kind: 'export', write, allPlatforms: true });
  const bytes = BigInt(archive.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  expect(exported.operations).toMatchObject([
    {
      ...{ kind: 'export', subject: NAME, state: 'done', phases: [{ name: 'write' }] },
      parts: [{ name: 'archive', stage: 'write', state: 'done', bytesDone: bytes }],
    },
  ]);
  const source = {
    kind: 'import' as const,
    bytes: (async function* () {
      yield* archive;
    })(),
  };
  const imported = await told('imported', source, stored('imported:v1'));
  expect(imported.operations).toMatchObject([
    {
      ...{ kind: 'import', subject: 'imported:v1', state: 'done' },
      parts: [{ name: 'archive', stage: 'read', state: 'done' }],
    },
  ]);
});

test('one that fails is told with its failure', async () => {
  const { operations, failure } = await told('source', stored('absent'), {
    kind: 'registry',
    reference: `${at.host}/absent:v1`,
  });
  expect(failure).toMatchObject({ kind: 'not_found' });
  expect(operations).toMatchObject([{ state: 'failed', error: { kind: 'not_found' } }]);
});

test('what gives names and passes on is not told', async () => {
  const { operations, failure } = await told('source', stored(NAME), stored('other'));
  expect([operations, failure]).toEqual([[], undefined]);
});

/** Goes on until it is told to end. */
const endless: Transfers = {
  transfer: (_source, _destination, { signal } = {}) =>
    new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    }),
};

test('somebody else can cancel one', async () => {
  const operations = localOperations();
  const transfers = recordedTransfers(() => endless, operations)({ namespace: 'n' });
  const pull = transfers.transfer({ kind: 'registry', reference: 'x' }, stored('x'));
  const scope = operations.scope({ namespace: 'n' });
  const [running] = await Array.fromAsync(scope.list());
  await scope.cancel(running?.id ?? '');
  await expect(pull).rejects.toMatchObject({ kind: 'canceled' });
  expect(await Array.fromAsync(scope.list())).toMatchObject([{ state: 'canceled' }]);
});

test('one whose client gives up is told as canceled, whatever its reason', async () => {
  const stop = new AbortController();
  const reason = new Fault('unavailable', 'the client went away');
  const registry = { kind: 'registry' as const, reference: 'x' };
  const telling = told('n', registry, stored('x'), { signal: stop.signal }, endless);
  stop.abort(reason);
  const { operations, failure } = await telling;
  expect(failure).toBe(reason);
  expect(operations).toMatchObject([
    { state: 'canceled', error: { kind: 'canceled', message: reason.message } },
  ]);
});
