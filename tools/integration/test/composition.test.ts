import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { EventHistory } from '@stowage/api/event-history/v1';
import { GarbageCollection } from '@stowage/api/gc/v1';
import { Metadata } from '@stowage/api/metadata/v1';
import { Operations } from '@stowage/api/operations/v1';
import { services } from '@stowage/api/registry';
import { Verification } from '@stowage/api/verification/v1';
import type { Plugin } from '@stowage/core';
import { builtinPlugins } from '@stowage/daemon/plugins';
import { Engine, nameOf } from '@stowage/engine';
import { rpcClient } from '@stowage/rpc';

/** Backends without which a service has nothing to serve. */
const BACKENDS: Readonly<Record<string, readonly string[]>> = {
  content: ['io.containerd.content.v1.content'],
  snapshots: ['io.containerd.snapshotter.v1.native'],
  mounts: ['io.containerd.mount-manager.v1.local'],
  diff: ['io.containerd.differ.v1.walking', 'io.containerd.content.v1.content'],
  tasks: ['stowage.runtime.v1.runc'],
  transfer: ['io.containerd.transfer.v1.local', 'io.containerd.content.v1.content'],
  verification: ['io.containerd.content.v1.content'],
};

/** The smallest list of plugins that offers a service, by what needs say; optional needs are left out. */
function closure(id: string): Plugin[] {
  const found = new Set<Plugin>();
  const visit = (plugin: Plugin) => {
    if (found.has(plugin)) return;
    for (const need of Object.values(plugin.needs ?? {})) {
      if ('optional' in need || 'all' in need || 'live' in need) continue;
      const fits = builtinPlugins.filter(
        (p) => p.slot.type === need.type && (!('id' in need) || need.id === undefined || p.id === need.id),
      );
      for (const p of fits) visit(p);
    }
    found.add(plugin);
  };
  const grpc = builtinPlugins.find((p) => p.slot.type === 'io.containerd.grpc.v1' && p.id === id);
  if (grpc === undefined) throw new Error(`no service ${id}`);
  for (const p of builtinPlugins.filter((b) => BACKENDS[id]?.includes(nameOf(b)))) visit(p);
  visit(grpc);
  return [...found];
}

/** Services whose plugins do not have the name of their package. */
const SERVICES: Readonly<Record<string, string>> = {
  'event-history': 'stowage.events.v1.EventHistory',
  garbage: 'stowage.gc.v1.GarbageCollection',
  healthcheck: 'grpc.health.v1.Health',
  metadata: 'stowage.metadata.v1.Metadata',
  operations: 'stowage.operations.v1.Operations',
  'sandbox-controllers': 'containerd.services.sandbox.v1.Controller',
  sandboxes: 'containerd.services.sandbox.v1.Store',
  verification: 'stowage.content.v1.Verification',
};

const serviceOf = (id: string) => {
  const suffix = `.services.${id}.v1.`;
  const service = [...services, EventHistory, GarbageCollection, Metadata, Operations, Verification].find(
    ({ typeName }) => (Object.hasOwn(SERVICES, id) ? typeName === SERVICES[id] : typeName.includes(suffix)),
  );
  if (service === undefined) throw new Error(`no contract for ${id}`);
  return service;
};

const ids = builtinPlugins.filter((p) => p.slot.type === 'io.containerd.grpc.v1').map((p) => p.id);

test.each(ids)('%s works alone; every other service answers unimplemented by name', async (id) => {
  const dir = await mkdtemp(join(tmpdir(), 'stowage-alone-'));
  const plugins = closure(id);
  {
    await using engine = await Engine.open({ root: join(dir, 'root'), state: join(dir, 'state'), plugins });
    expect(engine.plugins().filter((p) => p.state !== 'ok')).toEqual([]);
    expect(engine.routes).toHaveLength(1);
    for (const other of ids.filter((o) => o !== id)) {
      const service = serviceOf(other);
      const method = service.methods.find((m) => m.methodKind === 'unary');
      if (method === undefined) continue;
      const client = rpcClient(service, engine.transport, { namespace: 'default' }) as Record<
        string,
        (r: object) => Promise<unknown>
      >;
      await expect(client[method.localName]?.({})).rejects.toMatchObject({ kind: 'unimplemented' });
    }
  }
  await rm(dir, { recursive: true });
});
