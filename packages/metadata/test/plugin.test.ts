import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Plugin, Skip, silentLogger } from '@stowage/core';
import type { Metadata } from '@stowage/metadata';
import { gcPlugin, metadataPlugin, services } from '@stowage/metadata/plugin';
import { LocalMountManager } from '@stowage/mount-manager';
import { MemoryContent } from './memory-content.ts';
import { MemorySnapshotter } from './memory-snapshotter.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'metadata-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function start(
  plugin: Plugin,
  needs: object,
  table: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const config = plugin.config?.(table);
  const { signal } = new AbortController();
  return plugin.start({
    root,
    state: root,
    config,
    needs: needs as never,
    exports: new Map(),
    capabilities: new Set(),
    log: silentLogger,
    signal,
  });
}

test('every service starts on metadata, by the ids of containerd', async () => {
  await using mounts = await LocalMountManager.open(join(root, 'mounts'));
  const needs = {
    content: new MemoryContent(),
    snapshotters: new Map([['memory', new MemorySnapshotter()]]),
    mounts,
    events: undefined,
  };
  await using metadata = (await start(metadataPlugin, needs)) as Metadata;
  for (const service of services) await start(service, { metadata });
  expect(services.map(({ slot, id }) => `${slot.type}.${id}`).sort()).toEqual([
    'io.containerd.sandbox.store.v1.local',
    'io.containerd.service.v1.containers-service',
    'io.containerd.service.v1.content-service',
    'io.containerd.service.v1.garbage-service',
    'io.containerd.service.v1.images-service',
    'io.containerd.service.v1.leases-service',
    'io.containerd.service.v1.mounts-service',
    'io.containerd.service.v1.namespaces-service',
    'io.containerd.service.v1.snapshots-service',
    'io.containerd.service.v1.verification-service',
  ]);
  await using _ = (await start(
    gcPlugin,
    { metadata },
    { schedule_delay: '0s', startup_delay: '100ms' },
  )) as AsyncDisposable;
});

test('without backends, their services are not here, and the others are', async () => {
  const needs = { content: undefined, snapshotters: new Map(), events: undefined };
  await using metadata = (await start(metadataPlugin, needs)) as Metadata;
  const skipped: string[] = [];
  for (const service of services) {
    try {
      await start(service, { metadata });
    } catch (e) {
      if (!Skip.is(e)) throw e;
      skipped.push(service.id);
    }
  }
  expect(skipped).toEqual(['content-service', 'verification-service', 'snapshots-service', 'mounts-service']);
});

test.each([
  [{ schedule_delay: 'soon' }, 'schedule_delay'],
  [{ pause_threshold: 2 }, 'pause_threshold'],
  [{ startupDelay: '1s' }, 'startupDelay'],
])('a wrong setting of garbage collection is refused by name: %j', async (table, key) => {
  await expect(start(gcPlugin, {}, table)).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringContaining(key),
  });
});

test('content_sharing_policy is shared unless told, and nothing else than shared or isolated', () => {
  expect(metadataPlugin.defaults).toEqual({ content_sharing_policy: 'shared' });
  expect(metadataPlugin.config?.({})).toEqual({ contentSharing: 'shared' });
  expect(metadataPlugin.config?.({ content_sharing_policy: 'isolated' })).toEqual({
    contentSharing: 'isolated',
  });
  for (const table of [{ content_sharing_policy: 'both' }, { content_sharing_policy: 1 }, { no_sync: true }])
    expect(() => metadataPlugin.config?.(table)).toThrow(
      expect.objectContaining({
        kind: 'invalid_argument',
        message: expect.stringContaining(Object.keys(table)[0] ?? ''),
      }),
    );
});
