import { type CallOptions, Fault } from '@stowage/core';
import type { LeaseResource } from '@stowage/leases';
import { ingestExpiry } from '../ingests.ts';
import type { Fact, ObjectFact } from '../inspect/fact.ts';
import { labelExpiry } from '../labels.ts';
import { type ObjectName, objectName } from '../object.ts';
import type { NamespaceApi } from './daemon-api.ts';

/**
 * What the services of one namespace tell. What is kept is listed before what keeps it: then whatever is made meanwhile
 * is left out, rather than told without its holder, which was listed already.
 */
export async function* factsOf(
  api: NamespaceApi,
  namespace: string,
  snapshotters: readonly string[],
  options: CallOptions,
): AsyncGenerator<Fact> {
  const object = (name: ObjectName, more: Omit<ObjectFact, 'fact' | 'id'>): ObjectFact => ({
    fact: 'object',
    id: { ...name, namespace },
    ...more,
  });
  for (const snapshotter of snapshotters)
    for await (const { name, parent, kind, labels } of api.snapshotter(snapshotter).list([], options)) {
      const names = { by: 'parent', object: objectName('snapshots', parent, snapshotter) } as const;
      const more = { labels, isActive: kind !== 'committed', handle: name };
      yield object(objectName('snapshots', name, snapshotter), { ...more, ...(parent !== '' && { names }) });
    }
  for await (const { digest, labels, sizeBytes } of api.content.list([], options))
    yield object(objectName('content', digest), { labels, sizeBytes, handle: digest });
  const ingests = await Array.fromAsync(api.content.statuses([], options));
  const leased = new Set<string>();
  for await (const fact of leaseFacts(api, namespace, options)) {
    if (fact.fact === 'resource' && fact.resource.kind === 'ingests') leased.add(fact.resource.name);
    yield fact;
  }
  for (const { ref, startedAt, offset, expected } of ingests) {
    const expiry = leased.has(ref) ? undefined : ingestExpiry(startedAt);
    const names = expected && ({ by: 'expected', object: objectName('content', expected) } as const);
    yield object(objectName('ingests', ref), { labels: {}, expiry, sizeBytes: offset, names });
  }
  for await (const { name, labels, target } of api.images.list([], options)) {
    const names = {
      by: 'target',
      object: objectName('content', target.digest),
      mediaType: target.mediaType,
    } as const;
    yield object(objectName('images', name), { labels, names, expiry: labelExpiry(labels) });
  }
  yield* sandboxFacts(api, namespace, options);
  for await (const { id, labels, image, snapshotter, snapshotKey } of api.containers.list([], options)) {
    const names = { by: 'snapshot', object: objectName('snapshots', snapshotKey, snapshotter) } as const;
    const more = { labels, image, ...(snapshotter !== '' && snapshotKey !== '' && { names }) };
    yield object(objectName('containers', id), more);
  }
}

async function* leaseFacts(
  { leases }: NamespaceApi,
  namespace: string,
  options: CallOptions,
): AsyncGenerator<Fact> {
  for await (const { id, labels } of leases.list([], options)) {
    const lease = { ...objectName('leases', id), namespace };
    yield { fact: 'object', id: lease, labels, expiry: labelExpiry(labels) };
    try {
      for await (const held of leases.resources(id, options)) {
        const resource = resourceOf(held);
        if (resource !== undefined) yield { fact: 'resource', lease, resource };
      }
    } catch (e) {
      // Gone since it was listed. What it held is told without it, as it would be a moment later.
      if (!Fault.is(e, 'not_found')) throw e;
    }
  }
}

async function* sandboxFacts(
  { sandboxes }: NamespaceApi,
  namespace: string,
  options: CallOptions,
): AsyncGenerator<Fact> {
  try {
    for await (const { id, labels } of sandboxes.list([], options))
      yield { fact: 'object', id: { ...objectName('sandboxes', id), namespace }, labels };
  } catch (e) {
    if (!Fault.is(e, 'unimplemented')) throw e;
  }
}

function resourceOf({ type, id }: LeaseResource): ObjectName | undefined {
  if (type === 'content' || type === 'ingests' || type === 'images') return objectName(type, id);
  const [kind, snapshotter = ''] = type.split('/');
  return kind === 'snapshots' ? objectName('snapshots', id, snapshotter) : undefined;
}
