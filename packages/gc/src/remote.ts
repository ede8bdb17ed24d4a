import { durationMs } from '@bufbuild/protobuf/wkt';
import type { Transport } from '@connectrpc/connect';
import { GarbageCollection } from '@stowage/api/gc/v1';
import type { Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import {
  explanationFromWire,
  limitFromWire,
  objectFromWire,
  objectToWire,
  orphanFromWire,
  removalFromWire,
} from './convert.ts';
import { usageFromWire } from './convert-usage.ts';
import type { GarbageInspector } from './inspector.ts';

/**
 * The inspector of a daemon, in the scope's namespace or, if that is empty, in all. Calls to a daemon without the
 * service, as containerd is, are `unimplemented`: see `inspectorOverApi` and `firstOf`.
 */
export function remoteInspector(transport: Transport, scope: Scope): GarbageInspector {
  const rpc = rpcClient(GarbageCollection, transport, scope);
  return {
    async limits({ signal } = {}) {
      return (await rpc.limits({}, { signal })).limits.flatMap(limitFromWire);
    },
    async find({ text, kind = undefined }, { signal } = {}) {
      return (await rpc.find({ text, kind: kind ?? '' }, { signal })).objects.map(objectFromWire);
    },
    async explain(object, { signal } = {}) {
      const told = await rpc.explain({ object: objectToWire(object) }, { signal });
      const namespace = object.namespace === '' ? scope.namespace : object.namespace;
      return explanationFromWire(told, { ...object, namespace });
    },
    async *plan({ active = false, signal } = {}) {
      for await (const { removals } of rpc.plan({ active }, { signal })) yield* removals.map(removalFromWire);
    },
    async freedBy(objects, { active = false, signal } = {}) {
      const {
        $typeName: _,
        $unknown: __,
        ...freed
      } = await rpc.freedBy({ objects: objects.map(objectToWire), active }, { signal });
      return freed;
    },
    async *usage({ detail = false, active = false, signal } = {}) {
      for await (const { usages } of rpc.usage({ detail, active }, { signal }))
        yield* usages.map(usageFromWire);
    },
    async *orphans({ signal } = {}) {
      for await (const { orphans } of rpc.orphans({}, { signal })) yield* orphans.map(orphanFromWire);
    },
    async run({ signal } = {}) {
      const { removed, pruned, freedBytes, duration } = await rpc.run({}, { signal });
      return {
        removed: Number(removed),
        pruned: Number(pruned),
        freedBytes,
        durationMs: duration === undefined ? 0 : durationMs(duration),
      };
    },
  };
}
