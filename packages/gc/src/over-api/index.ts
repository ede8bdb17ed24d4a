import { type Scope, unlessGone } from '@stowage/core';
import type { FactSource } from '../inspect/fact.ts';
import { inspectorOver } from '../inspect/inspector-over.ts';
import type { GarbageInspector, Limit } from '../inspector.ts';
import type { DaemonApi } from './daemon-api.ts';
import { factsOf } from './facts.ts';

export type { DaemonApi, NamespaceApi, SandboxList } from './daemon-api.ts';

const LIMITS: readonly Limit[] = ['ingests', 'unfinished', 'moment', 'backends', 'run'];

/**
 * The inspector of a daemon that has none of its own, such as containerd, from what its public services list. It reckons
 * by the rules of containerd 2.3, which earlier ones know in part.
 *
 * @param now - by the clock of the daemon's machine.
 */
export function inspectorOverApi(
  api: DaemonApi,
  scope: Scope,
  now: () => Date = () => new Date(),
): GarbageInspector {
  return inspectorOver(sourceOver(api, now), scope);
}

function sourceOver(api: DaemonApi, now: () => Date): FactSource {
  return {
    limits: LIMITS,
    now,
    async *facts(namespace, options) {
      const snapshotters = await api.snapshotters(options);
      if (namespace !== undefined)
        yield* factsOf(api.scoped({ namespace }), namespace, snapshotters, options);
      else
        for await (const { name } of api.namespaces.list(options))
          yield* factsOf(api.scoped({ namespace: name }), name, snapshotters, options);
    },
    async bytesOf({ id: { kind, namespace, snapshotter }, handle }, options) {
      if (kind !== 'snapshots') return undefined;
      const backend = api.scoped({ namespace }).snapshotter(snapshotter);
      return (await unlessGone(backend.usage(handle, options)))?.sizeBytes;
    },
  };
}
