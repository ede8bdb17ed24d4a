import { createRouterTransport, type Transport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Diff } from '@stowage/api/diff/v1';
import { type Descriptor, digestOf, Fault, MEDIA_TYPE, type Mount, type Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { firstDiffer } from '../src/first-differ.ts';
import type { ApplyOptions, Differ, DiffOptions } from '../src/index.ts';
import { remoteDiffer } from '../src/remote.ts';
import { diffRoutes } from '../src/service.ts';

const layer: Descriptor = {
  mediaType: MEDIA_TYPE.ociLayerGzip,
  digest: digestOf('layer'),
  size: 12n,
  annotations: { a: 'b' },
};
const applied: Descriptor = { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf('plain'), size: 1n << 40n };
const mounts: Mount[] = [
  { type: 'overlay', source: 'overlay', target: '', options: ['lowerdir=/a:/b', 'ro'] },
];

const refuse = (kind: Fault['kind']) => () => Promise.reject(new Fault(kind, `asked and ${kind}`));

function served(differ: Partial<Differ>, seen?: (scope: Scope) => void): Transport {
  return createRouterTransport(
    diffRoutes((scope) => {
      seen?.(scope);
      return { apply: refuse('unimplemented'), diff: refuse('unimplemented'), ...differ };
    }),
  );
}

test('an apply arrives as it was sent, in its scope, and the answer comes back', async () => {
  const calls: unknown[] = [];
  const scopes: Scope[] = [];
  const apply = async (...args: [Descriptor, readonly Mount[], ApplyOptions?]) => {
    calls.push(args);
    return applied;
  };
  const remote = remoteDiffer(
    served({ apply }, (scope) => scopes.push(scope)),
    { namespace: 'blue', lease: 'l' },
  );
  const payloads = { key: { typeUrl: 'some.Type', value: new Uint8Array([1, 2]) } };
  const progress: bigint[] = [];
  const onProgress = (bytes: bigint) => progress.push(bytes);
  expect(await remote.apply(layer, mounts, { payloads, syncFs: true, onProgress })).toEqual(applied);
  expect(calls).toEqual([[layer, mounts, expect.objectContaining({ syncFs: true })]]);
  const [[, , options]] = calls as [[unknown, unknown, ApplyOptions]];
  expect({ ...options.payloads }).toEqual(payloads);
  expect(scopes).toEqual([{ namespace: 'blue', lease: 'l' }]);
  expect(progress).toEqual([12n]);
});

test('a diff arrives as it was sent', async () => {
  const calls: unknown[] = [];
  const diff = async (...args: [readonly Mount[], readonly Mount[], DiffOptions?]) => {
    calls.push(args);
    return layer;
  };
  const options = { mediaType: 'm', ref: 'r', labels: { a: '1' }, sourceDateEpoch: new Date(1_000) };
  expect(await remoteDiffer(served({ diff })).diff(mounts, [], options)).toEqual(layer);
  expect(calls).toEqual([[mounts, [], expect.objectContaining(options)]]);
  await remoteDiffer(served({ diff })).diff([], mounts);
  expect(calls[1]).toEqual([
    [],
    mounts,
    expect.objectContaining({ mediaType: undefined, ref: undefined, labels: {} }),
  ]);
});

test('faults keep their kind, a missing or malformed layer is an invalid argument', async () => {
  const remote = remoteDiffer(served({ apply: refuse('resource_exhausted') }));
  await expect(remote.apply(layer, mounts)).rejects.toMatchObject({ kind: 'resource_exhausted' });
  const raw = rpcClient(Diff, served({ apply: async () => applied }));
  await expect(raw.apply({})).rejects.toMatchObject({ kind: 'invalid_argument' });
  await expect(raw.apply({ diff: { digest: 'sha256:../x' } })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

test('an abort reaches the differ, and the caller gets its own reason', async () => {
  const { promise: reached, resolve } = Promise.withResolvers<unknown>();
  const apply = (_: Descriptor, __: readonly Mount[], { signal }: ApplyOptions = {}) =>
    new Promise<Descriptor>((_, reject) => {
      signal?.addEventListener('abort', () => {
        resolve(signal.reason);
        reject(signal.reason);
      });
      setTimeout(() => stop.abort(reason), 5);
    });
  const stop = new AbortController();
  const reason = new Error('mine');
  await expect(remoteDiffer(served({ apply })).apply(layer, mounts, { signal: stop.signal })).rejects.toBe(
    reason,
  );
  await reached;
});

test('the first differ that knows the media type is asked, and only unimplemented asks the next', async () => {
  const unknown: Differ = { apply: refuse('unimplemented'), diff: refuse('unimplemented') };
  const knowing: Differ = { apply: async () => applied, diff: async () => layer };
  const broken: Differ = { apply: refuse('invalid_argument'), diff: refuse('invalid_argument') };
  expect(await firstDiffer([unknown, knowing, broken]).apply(layer, mounts)).toBe(applied);
  expect(await firstDiffer([unknown, knowing]).diff([], mounts)).toBe(layer);
  await expect(firstDiffer([broken, knowing]).apply(layer, mounts)).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  for (const none of [firstDiffer([]), firstDiffer([unknown])]) {
    await expect(none.apply(layer, mounts)).rejects.toMatchObject({ kind: 'unimplemented' });
    await expect(none.diff([], mounts)).rejects.toMatchObject({ kind: 'unimplemented' });
  }
});
