import path from 'node:path';
import { expect, test } from '@jest/globals';
import { type BlobCheck, type ContentStore, verifierOf, verifyByReading, writeBlob } from '@stowage/content';
import { verificationGrpcPlugin } from '@stowage/content/plugin';
import { remoteContent, remoteVerifier } from '@stowage/content/remote';
import { contentRoutes } from '@stowage/content/service';
import { damageIn } from '@stowage/content-conformance';
import { type Digest, digestOf, Fault, type StartContext, silentLogger } from '@stowage/core';
import type { Routes } from '@stowage/rpc';
import { memoryTransport } from '@stowage/rpc/transport';
import { served } from './fixture.ts';

type At = Awaited<ReturnType<typeof served>>;

async function put(at: At, text: string): Promise<Digest> {
  const digest = digestOf(text);
  await writeBlob(at.store, `put ${digest}`, Buffer.from(text), { digest, size: BigInt(text.length) });
  return digest;
}

/** As containerd: `info` and `list` from records, bytes as they lie there. */
function believing(store: ContentStore, records: ReadonlyMap<Digest, bigint>): ContentStore {
  const info = (digest: Digest) => {
    const at = new Date(0);
    const sizeBytes = records.get(digest);
    if (sizeBytes === undefined) throw new Fault('not_found', `content ${digest}: not found`);
    return { digest, sizeBytes, createdAt: at, updatedAt: at, labels: {} };
  };
  return {
    ...remoteContent(memoryTransport(contentRoutes(() => store))),
    info: async (digest) => info(digest),
    async *list() {
      for (const digest of records.keys()) yield info(digest);
    },
    async *read(digest, _range, options) {
      // In two parts, neither of which can be verified.
      yield* store.read(digest, { length: 1n }, options);
      yield* store.read(digest, { offset: 1n }, options);
    },
  };
}

const verdict = ({ state, reason }: BlobCheck) => [state, reason];

test('a store that verifies nothing is read through, and each blob is held against its record', async () => {
  await using at = await served();
  const digests = [
    await put(at, 'whole'),
    await put(at, 'flipped'),
    await put(at, 'cut off'),
    await put(at, 'gone'),
  ];
  const [whole, flipped, cut, gone] = digests as [Digest, Digest, Digest, Digest];
  const records = new Map([
    [whole, 5n],
    [flipped, 7n],
    [cut, 7n],
    [gone, 4n],
  ]);
  const store = believing(at.store, records);
  const damage = damageIn(path.join(at.dir, 'store'));
  await damage(flipped, 'flip');
  await damage(cut, 'cut');
  await damage(gone, 'remove');
  const checks = await Array.fromAsync(verifyByReading(store));
  expect(checks.map(({ digest, sizeBytes }) => [digest, sizeBytes])).toEqual([...records]);
  expect(checks.map(verdict)).toEqual([
    ['whole', ''],
    ['corrupt', expect.stringContaining('hash to')],
    ['corrupt', 'it has 6 bytes, not 7'],
    ['missing', expect.any(String)],
  ]);
  expect((await Array.fromAsync(verifyByReading(store, [cut, whole]))).map(({ digest }) => digest)).toEqual([
    cut,
    whole,
  ]);
  await expect(Array.fromAsync(verifyByReading(store, [digestOf('x')]))).rejects.toMatchObject({
    kind: 'not_found',
  });
});

test('a store that knows of damage is believed', async () => {
  await using at = await served();
  const digest = await put(at, 'hello');
  await damageIn(path.join(at.dir, 'store'))(digest, 'flip');
  const [found] = await Array.fromAsync(verifyByReading(at.store));
  expect(found).toMatchObject({ digest, state: 'corrupt', reason: expect.stringContaining('hash to') });
  const [known] = await Array.fromAsync(verifyByReading(at.store, [digest]));
  expect(known).toMatchObject({ digest, state: 'corrupt', reason: expect.stringContaining('did not keep') });
});

test('a blob that goes between the list and the read is left out', async () => {
  await using at = await served();
  const [a, b] = [await put(at, 'a'), await put(at, 'b')];
  const seen: Digest[] = [];
  for await (const { digest } of verifyByReading(at.store)) {
    seen.push(digest);
    for (const other of [a, b]) if (other !== digest) await at.store.delete(other).catch(() => undefined);
  }
  expect(seen).toHaveLength(1);
});

test('a daemon without a verifier says unimplemented', async () => {
  await using at = await served();
  const verifier = remoteVerifier(memoryTransport(contentRoutes(() => at.store)));
  await expect(Array.fromAsync(verifier.verify())).rejects.toMatchObject({ kind: 'unimplemented' });
});

test('the plugin serves a store that can verify, and is skipped for one that can not', async () => {
  await using at = await served();
  const digest = await put(at, 'hello');
  const context = (needs: object) => {
    const nowhere = { root: '', state: '', config: {}, exports: new Map(), log: silentLogger };
    return { ...nowhere, needs, signal: new AbortController().signal } as unknown as StartContext;
  };
  const routes = (await verificationGrpcPlugin.start(context({ backend: at.store }))) as Routes;
  const checks = await Array.fromAsync(remoteVerifier(memoryTransport(routes)).verify());
  expect(checks).toMatchObject([{ digest, state: 'whole' }]);
  const remote = remoteContent(memoryTransport(contentRoutes(() => at.store)));
  expect(verifierOf(remote)).toBeUndefined();
  expect(() => verificationGrpcPlugin.start(context({ backend: remote }))).toThrow(
    expect.objectContaining({ name: 'Skip' }),
  );
  expect(() => verificationGrpcPlugin.start(context({}))).toThrow(expect.objectContaining({ name: 'Skip' }));
});
