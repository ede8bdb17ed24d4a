import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createRouterTransport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { type ContentStore, writeBlob } from '@stowage/content';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf, Fault, MEDIA_TYPE, type Plugin, type Scoped, silentLogger } from '@stowage/core';
import type { Routes } from '@stowage/rpc';
import type { Differ } from '../src/index.ts';
import { diffGrpcPlugin, diffServicePlugin, walkingDifferPlugin } from '../src/plugin.ts';
import { remoteDiffer } from '../src/remote.ts';
import { file, tar } from './tar-writer.ts';
import { Workspace } from './workspace.ts';

/** Starts a plugin as the engine does. */
async function start<T>(
  at: Workspace,
  plugin: Plugin,
  needs: object,
  table: Record<string, unknown> = {},
): Promise<T> {
  const context = {
    root: join(at.root, 'plugin-root'),
    state: join(at.root, 'plugin-state'),
    config: plugin.config?.(table),
    needs,
    exports: new Map<string, string>(),
    log: silentLogger,
    signal: new AbortController().signal,
  };
  return (await plugin.start(context as never)) as T;
}

test('composed of a store alone, an apply over the wire unpacks, and a diff packs', async () => {
  await using at = await Workspace.open();
  const content = await LocalContentStore.open(await at.directory('content'));
  const archive = tar(file('a', 'x'));
  const layer = { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf(archive), size: BigInt(archive.length) };
  await writeBlob(content, 'ref', archive, layer);
  const walking = await start<Scoped<Differ> & AsyncDisposable>(at, walkingDifferPlugin, { store: content });
  try {
    const differs = new Map([['walking', walking]]);
    const service = await start<Scoped<Differ>>(at, diffServicePlugin, { differs }, { sync_fs: true });
    const routes = await start<Routes>(at, diffGrpcPlugin, { service, differs });
    const alone = await start<Routes>(at, diffGrpcPlugin, { differs });
    for (const one of [routes, alone]) {
      const { path, mounts } = await at.bind();
      const differ = remoteDiffer(createRouterTransport(one), { namespace: 'any' });
      expect(await differ.apply(layer, mounts)).toEqual({ ...layer, mediaType: MEDIA_TYPE.ociLayer });
      expect(await readdir(path)).toEqual(['a']);
      const made = await differ.diff([], mounts);
      expect(made).toMatchObject({ mediaType: MEDIA_TYPE.ociLayerGzip });
      const again = await at.bind();
      await differ.apply(made, again.mounts);
      expect(await readdir(again.path)).toEqual(['a']);
      await expect(differ.diff([], mounts, { mediaType: 'other' })).rejects.toMatchObject({
        kind: 'unimplemented',
      });
    }
  } finally {
    await walking[Symbol.asyncDispose]();
  }
});

test('the namespaced store is asked by scope, and its refusal passes', async () => {
  await using at = await Workspace.open();
  const content: Scoped<ContentStore> = () => {
    throw new Fault('failed_precondition', 'namespace is required');
  };
  const walking = await start<Scoped<Differ> & AsyncDisposable>(at, walkingDifferPlugin, { content });
  expect(() => walking({ namespace: '' })).toThrow('namespace is required');
  await walking[Symbol.asyncDispose]();
});

test('a processor is found by its name; one whose program is not installed is left out', async () => {
  await using at = await Workspace.open();
  const content = await LocalContentStore.open(await at.directory('content'));
  const archive = tar(file('a', 'x'));
  const layer = { mediaType: 'some/type', digest: digestOf(archive), size: BigInt(archive.length) };
  await writeBlob(content, 'ref', archive, layer);
  const processor = { accepts: ['some/type'], returns: MEDIA_TYPE.ociLayer };
  const table = (path: string) => ({ stream_processors: { p: { ...processor, path } } });
  for (const path of ['cat', 'a-program-nobody-has']) {
    const walking = await start<Scoped<Differ> & AsyncDisposable>(
      at,
      walkingDifferPlugin,
      { store: content },
      table(path),
    );
    const { mounts } = await at.bind();
    const applied = walking({ namespace: 'any' }).apply(layer, mounts);
    if (path === 'cat') expect(await applied).toMatchObject({ digest: layer.digest });
    else await expect(applied).rejects.toMatchObject({ kind: 'unimplemented' });
    await walking[Symbol.asyncDispose]();
  }
});

test('without what they need, plugins skip; settings are checked', async () => {
  await using at = await Workspace.open();
  for (const [plugin, needs] of [
    [walkingDifferPlugin, {}],
    [diffServicePlugin, { differs: new Map() }],
    [diffGrpcPlugin, { differs: new Map() }],
  ] as const) {
    await expect(start(at, plugin, needs)).rejects.toMatchObject({ name: 'Skip' });
  }
  const differs = new Map([['walking', {}]]);
  for (const [table, message] of [
    [{ other: 1 }, 'other'],
    [{ default: 'walking' }, 'default'],
    [{ default: [] }, 'default'],
    [{ sync_fs: 'yes' }, 'sync_fs'],
  ] as const) {
    await expect(start(at, diffServicePlugin, { differs }, table)).rejects.toMatchObject({
      kind: 'invalid_argument',
      message: expect.stringContaining(message),
    });
  }
  const processor = { accepts: ['a'], returns: 'b', path: '/bin/x' };
  for (const [table, message] of [
    [{ other: 1 }, 'other'],
    [{ gzip_level: 10 }, 'gzip_level'],
    [{ gzip_level: '1' }, 'gzip_level'],
    [{ zstd_level: 0 }, 'zstd_level'],
    [{ stream_processors: [] }, 'stream_processors'],
    [{ stream_processors: { p: 1 } }, 'stream_processors."p"'],
    [{ stream_processors: { p: { ...processor, path: './x' } } }, 'stream_processors."p".path'],
    [{ stream_processors: { p: { ...processor, path: '' } } }, 'stream_processors."p".path'],
    [{ stream_processors: { p: { ...processor, accepts: [] } } }, 'stream_processors."p".accepts'],
    [{ stream_processors: { p: { ...processor, returns: '' } } }, 'stream_processors."p".returns'],
    [{ stream_processors: { p: { ...processor, args: 'x' } } }, 'stream_processors."p".args'],
    [{ stream_processors: { p: { ...processor, env: ['x'] } } }, 'stream_processors."p".env'],
    [{ stream_processors: { p: { ...processor, more: 1 } } }, 'stream_processors."p".more'],
  ] as const) {
    await expect(start(at, walkingDifferPlugin, {}, table)).rejects.toMatchObject({
      kind: 'invalid_argument',
      message: expect.stringContaining(message),
    });
  }
  await expect(start(at, diffServicePlugin, { differs }, { default: ['erofs'] })).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('"erofs"'),
  });
});
