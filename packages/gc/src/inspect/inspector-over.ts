import { Fault, quote, type Scope } from '@stowage/core';
import type { GarbageInspector } from '../inspector.ts';
import { KIND_WORD } from '../kinds.ts';
import type { ObjectId } from '../object.ts';
import { explain } from './explain.ts';
import type { FactSource } from './fact.ts';
import { find } from './find.ts';
import { freedBy } from './freed.ts';
import { Picture } from './picture.ts';
import { plan } from './plan.ts';
import { sumOf } from './sum.ts';
import { surveyKey } from './survey.ts';
import { usage } from './usage.ts';

/** The inspector of whatever a source tells the facts of. */
export function inspectorOver(source: FactSource, scope: Scope): GarbageInspector {
  const namespace = scope.namespace === '' ? undefined : scope.namespace;

  function seen(object: ObjectId): ObjectId {
    const { kind, name } = object;
    if (object.namespace === '' && namespace !== undefined) return { ...object, namespace };
    if (object.namespace === '')
      throw new Fault('invalid_argument', `${KIND_WORD[kind]} ${quote(name)}: namespace is required`);
    if (namespace === undefined || object.namespace === namespace) return object;
    const text = `is of namespace ${quote(object.namespace)}, not ${quote(namespace)}`;
    throw new Fault('invalid_argument', `${KIND_WORD[kind]} ${quote(name)}: ${text}`);
  }

  return {
    async limits() {
      return source.limits;
    },

    find: (query, options) => find(source, namespace, query, options),

    async explain(object, options = {}) {
      const id = seen(object);
      return explain(await Picture.take(source, id.namespace, options), id, options);
    },

    async *plan(options = {}) {
      yield* plan(source, await Picture.take(source, undefined, options), namespace, options);
    },

    async freedBy(objects, options = {}) {
      const ids = objects.map(seen);
      const picture = await Picture.take(source, undefined, options);
      const removed = new Set(ids.map(surveyKey));
      refuseIfHeld(picture, ids, removed);
      return sumOf(source, picture, await freedBy(picture, removed, options), options);
    },

    async *usage(options = {}) {
      yield* usage(source, await Picture.take(source, undefined, options), namespace, options);
    },

    async *orphans(options = {}) {
      if (source.orphans === undefined)
        throw new Fault('unimplemented', 'orphans: this daemon does not show its backends');
      for await (const orphan of source.orphans(options)) {
        if (namespace === undefined || orphan.object.namespace === namespace) yield orphan;
      }
    },

    async run(options = {}) {
      if (source.collect === undefined)
        throw new Fault('unimplemented', 'run: this daemon has no call that just collects garbage');
      let freedBytes = 0n;
      const picture = await Picture.take(source, undefined, options);
      for await (const { freesBytes = 0n } of plan(source, picture, undefined, { ...options, active: true }))
        freedBytes += freesBytes;
      return { ...(await source.collect(options)), freedBytes };
    },
  };
}

function refuseIfHeld(picture: Picture, ids: readonly ObjectId[], removed: ReadonlySet<string>): void {
  for (const id of ids) {
    const [kind, name] = [KIND_WORD[id.kind], quote(id.name)];
    if (picture.nodes.get(surveyKey(id))?.isAbsent !== false)
      throw new Fault('not_found', `${kind} ${name}: not found`);
    for (const { holder, why } of picture.holders.get(surveyKey(id)) ?? []) {
      if (why.by !== 'parent' || removed.has(holder.key)) continue;
      throw new Fault('failed_precondition', `${kind} ${name}: it has a child, ${quote(holder.id.name)}`);
    }
  }
}
