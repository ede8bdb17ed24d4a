import { describe, expect, test } from '@jest/globals';
import { Transfer } from '@stowage/api/transfer/v1';
import { Fault, type Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { memoryTransport } from '@stowage/rpc/transport';
import { localStreams } from '@stowage/streaming/local';
import { remoteStreams } from '@stowage/streaming/remote';
import { streamingRoutes } from '@stowage/streaming/service';
import type { RegistryImage, TransferObject, TransferProgress, Transfers } from '@stowage/transfer';
import { remoteTransfers } from '@stowage/transfer/remote';
import { type TransferRoutesOptions, transferRoutes } from '@stowage/transfer/service';

const scope: Scope = { namespace: 'n', lease: 'l' };

/** A daemon whose transfers are what a test says, and its client. */
function house(transfer: Transfers['transfer'], options?: TransferRoutesOptions) {
  const streams = localStreams();
  const scopes: Scope[] = [];
  const transfers = (asked: Scope) => {
    scopes.push(asked);
    return { transfer };
  };
  const transport = memoryTransport([streamingRoutes(streams), transferRoutes(transfers, streams, options)]);
  return { streams, scopes, transport, client: remoteTransfers(transport, scope) };
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(bytes)).toString();
}

const store: TransferObject = {
  kind: 'store',
  name: 'image',
  labels: { a: 'b' },
  platforms: [{ os: 'linux', architecture: 'arm', variant: 'v7' }],
  allMetadata: true,
  manifestLimit: 3,
  references: [
    { name: 'x', isPrefix: true, allowOverwrite: true, addDigest: true, skipNamedDigest: true },
    { name: 'y', isPrefix: false, allowOverwrite: false, addDigest: false, skipNamedDigest: false },
  ],
  unpacks: [{ snapshotter: 'native' }, { platform: { os: 'linux', architecture: 'amd64' } }],
};

test('stored images cross the wire whole, in their scope', async () => {
  const got: TransferObject[] = [];
  const { client, scopes } = house(async (from, to) => void got.push(from, to));
  await client.transfer(store, { kind: 'store', name: 'other' });
  expect(got[0]).toEqual(store);
  expect(got[1]).toMatchObject({ kind: 'store', name: 'other' });
  expect(scopes).toEqual([scope]);
});

test('a registry is reached as the client says, with the credentials and the log that it has', async () => {
  const asked: unknown[] = [];
  const logged: string[] = [];
  const { client, streams } = house(async (from) => {
    const registry = from as RegistryImage;
    expect(registry).toMatchObject({
      reference: 'host/x:v1',
      headers: { 'x-one': '1' },
      scheme: 'http',
      hostDirectory: '/certs',
      debug: 'both',
    });
    for (const host of ['a', 'b', 'c', 'd']) {
      asked.push(await registry.credentials?.({ host, reference: 'host/x:v1', challenges: ['Basic'] }));
    }
    registry.onLog?.('GET /v2/\n');
    registry.onLog?.('200\n');
  });
  const answers = {
    a: { type: 'password', username: 'u', password: 'p' },
    b: { type: 'refresh', token: 't' },
    c: { type: 'header', value: 'Bearer x' },
    d: { type: 'none' },
  } as const;
  await client.transfer(
    {
      kind: 'registry',
      reference: 'host/x:v1',
      headers: { 'x-one': '1' },
      scheme: 'http',
      hostDirectory: '/certs',
      debug: 'both',
      credentials: async ({ host, reference, challenges }) => {
        expect({ reference, challenges }).toEqual({ reference: 'host/x:v1', challenges: ['Basic'] });
        return answers[host as keyof typeof answers];
      },
      onLog: (text) => void logged.push(text),
    },
    store,
  );
  expect(asked).toEqual(Object.values(answers));
  expect(logged.join('')).toBe('GET /v2/\n200\n');
  expect(streams.count()).toBe(0);
});

describe('archives and bytes', () => {
  test('are read and written over streams of the client’s', async () => {
    const { client, streams } = house(async (from, to) => {
      if (from.kind !== 'import' || to.kind !== 'export') throw new Error('another pair');
      expect(to).toMatchObject({ allPlatforms: true, skipDockerManifest: true, skipForeign: true });
      await to.write(from.bytes);
    });
    const got: string[] = [];
    await client.transfer(
      { kind: 'import', bytes: pieces('hel', 'lo') },
      {
        kind: 'export',
        write: async (bytes) => void got.push(await textOf(bytes)),
        allPlatforms: true,
        skipDockerManifest: true,
        skipForeign: true,
      },
    );
    expect(got).toEqual(['hello']);
    expect(streams.count()).toBe(0);
  });

  test('that break off fail the transfer with what they failed with', async () => {
    const { client, streams } = house(async (from) => {
      if (from.kind === 'read') await textOf(from.bytes);
    });
    const bytes = (async function* () {
      yield* pieces('a');
      throw new Fault('data_loss', 'read x: broken');
    })();
    await expect(client.transfer({ kind: 'read', bytes }, store)).rejects.toMatchObject({
      kind: 'data_loss',
      message: 'read x: broken',
    });
    expect(streams.count()).toBe(0);
  });

  test('that can not be written fail the transfer', async () => {
    const { client } = house(async (_, to) => {
      if (to.kind === 'write') await to.write(pieces('x'.repeat(1_000_000)));
    });
    const write = async (bytes: AsyncIterable<Uint8Array>) => {
      for await (const _ of bytes) throw new Fault('resource_exhausted', 'write x: the disk is full');
    };
    await expect(client.transfer(store, { kind: 'write', write })).rejects.toMatchObject({
      kind: 'resource_exhausted',
    });
  });

  test('of a transfer that fails are no whole for who reads them', async () => {
    const { client } = house(async (_, to) => {
      if (to.kind !== 'export') return;
      const broken = (async function* () {
        yield* pieces('half');
        throw new Fault('not_found', 'blob x: not found');
      })();
      await to.write(broken);
    });
    let end = 'none';
    const write = async (bytes: AsyncIterable<Uint8Array>) => {
      try {
        await textOf(bytes);
        end = 'whole';
      } catch (e) {
        end = (e as Fault).kind;
        throw e;
      }
    };
    await expect(client.transfer(store, { kind: 'export', write })).rejects.toMatchObject({
      kind: 'not_found',
    });
    expect(['not_found', 'canceled']).toContain(end);
  });
});

test('progress arrives, the last of it too', async () => {
  const step = (event: string, name: string, bytes: bigint): TransferProgress => ({
    event,
    name,
    parents: ['p'],
    bytes,
    totalBytes: 9n,
  });
  const { client } = house(async (_from, _to, { onProgress } = {}) => {
    onProgress?.({ event: 'Resolving', name: '', parents: [], bytes: 0n, totalBytes: 0n });
    for (let i = 0n; i < 1000n; i++) onProgress?.(step('downloading', 'layer', i));
    onProgress?.(step('complete', 'layer', 9n));
    onProgress?.({ event: 'Completed', name: '', parents: [], bytes: 0n, totalBytes: 0n });
  });
  const got: TransferProgress[] = [];
  await client.transfer(store, store, { onProgress: (progress) => void got.push(progress) });
  expect(got[0]).toMatchObject({ event: 'Resolving', name: '' });
  expect(got.filter(({ name }) => name === 'layer').at(-1)).toEqual(step('complete', 'layer', 9n));
  expect(got.at(-1)).toMatchObject({ event: 'Completed' });
  // Of what happened to one thing before anybody could read it, the last is enough.
  expect(got.length).toBeLessThan(100);
});

test('a client that asks for progress and does not read it holds nobody up', async () => {
  const { transport, streams } = house(async (_from, _to, { onProgress } = {}) => {
    for (let i = 0; i < 5000; i++) {
      onProgress?.({ event: 'x', name: `${i}`, parents: [], bytes: 0n, totalBytes: 0n });
    }
  });
  await using stream = await remoteStreams(transport, scope).open('progress');
  const rpc = rpcClient(Transfer, transport, scope);
  const message = { typeUrl: 'containerd.types.transfer.ImageStore', value: new Uint8Array() };
  const options = { progressStream: stream.id };
  await rpc.transfer({ source: message, destination: message, options });
  expect(streams.count()).toBe(0);
}, 30_000);

test('a client that never answers for credentials is not waited for', async () => {
  const options = { credentialsTimeoutMs: 100 };
  const { client } = house(async (from) => {
    if (from.kind !== 'registry') return;
    const request = { host: 'h', reference: 'r', challenges: [] };
    await expect(from.credentials?.(request)).rejects.toMatchObject({ kind: 'deadline_exceeded' });
    // Its answer to the first question is none to the second.
    await expect(from.credentials?.(request)).rejects.toMatchObject({ kind: 'deadline_exceeded' });
    throw new Fault('unauthenticated', 'no login');
  }, options);
  const silent = {
    kind: 'registry',
    reference: 'r',
    credentials: () => new Promise<never>(() => {}),
  } as const;
  await expect(client.transfer(silent, store)).rejects.toMatchObject({ kind: 'unauthenticated' });
});

test('what cancels the call cancels the transfer, and what goes beside ends', async () => {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<unknown>();
  const { client, streams } = house(async (from, _to, { signal } = {}) => {
    if (from.kind !== 'import') return;
    signal?.addEventListener('abort', () => ended.resolve(signal.reason));
    begun.resolve();
    await textOf(from.bytes);
  });
  const stop = new AbortController();
  const endless = (async function* () {
    for (;;) yield Buffer.alloc(1000);
  })();
  const transferring = client.transfer({ kind: 'import', bytes: endless }, store, { signal: stop.signal });
  const failing = expect(transferring).rejects.toBe('enough');
  await begun.promise;
  stop.abort('enough');
  await failing;
  await ended.promise;
  for (let i = 0; streams.count() > 0 && i < 200; i++) await new Promise((r) => setTimeout(r, 10));
  expect(streams.count()).toBe(0);
});

test('types that nobody here knows are handed on by name', async () => {
  const { client } = house(async (from, to) => {
    throw new Fault('unimplemented', `${from.kind} ${to.kind}: ${from.kind === 'other' && from.typeUrl}`);
  });
  const other = { kind: 'other', typeUrl: 'example.Thing', value: Uint8Array.of(255) } as const;
  await expect(client.transfer(other, other)).rejects.toMatchObject({
    kind: 'unimplemented',
    message: 'other other: example.Thing',
  });
});

test.each([
  ['no source', {}],
  [
    'malformed bytes',
    { source: { typeUrl: 'containerd.types.transfer.OCIRegistry', value: Uint8Array.of(255) } },
  ],
])('%s is refused', async (_, request) => {
  const { transport } = house(async () => {});
  const rpc = rpcClient(Transfer, transport, scope);
  await expect(rpc.transfer(request)).rejects.toMatchObject({ kind: 'invalid_argument' });
});
