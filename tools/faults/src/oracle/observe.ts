import { type CallOptions, reasonOf } from '@stowage/core';
import { type Key, keyOf } from '../model/keys.ts';
import type { Thing } from '../model/thing.ts';
import { NAMESPACES, type Services, SNAPSHOTTERS } from '../services.ts';

/** Everything that a daemon tells of the load's namespaces, and the namespaces that the load made. */
export async function observe(
  services: (namespace: string) => Services,
  options: CallOptions = {},
): Promise<Map<Key, Thing>> {
  const found = new Map<Key, Thing>();
  const add = (thing: Thing) => void found.set(keyOf(thing), thing);
  await Promise.all([
    ...NAMESPACES.map((namespace) => observeOne(services(namespace), namespace, add, options)),
    (async () => {
      for await (const { name, labels } of services(NAMESPACES[0]).namespaces.list(options))
        if (name.startsWith('ns-')) add({ kind: 'namespace', name, labels });
    })(),
  ]);
  return found;
}

async function observeOne(
  services: Services,
  namespace: string,
  add: (thing: Thing) => void,
  options: CallOptions,
): Promise<void> {
  const { content, images, leases, containers } = services;
  for await (const { digest, sizeBytes, labels } of content.list([], options))
    add({ kind: 'blob', namespace, digest, sizeBytes: Number(sizeBytes), labels });
  for await (const { ref } of content.statuses([], options)) add({ kind: 'ingest', namespace, ref });
  for await (const { name, target, labels } of images.list([], options))
    add({ kind: 'image', namespace, name, target: target.digest, labels });
  for await (const { id, labels } of leases.list([], options)) {
    add({ kind: 'lease', namespace, id, labels });
    for await (const { type, id: held } of leases.resources(id, options))
      add({ kind: 'edge', namespace, lease: id, type, id: held });
  }
  for await (const { id, labels, snapshotter, snapshotKey: snapshot, spec } of containers.list([], options))
    add({ kind: 'container', namespace, id, snapshotter, snapshot, labels, spec: hostOf(spec?.value) });
  for (const snapshotter of SNAPSHOTTERS)
    for await (const { name, kind: state, parent, labels } of services
      .snapshotter(snapshotter)
      .list([], options))
      add({ kind: 'snapshot', namespace, snapshotter, name, state, parent, labels });
}

/** What the load put into a container's spec; a text that is never equal if it can't be read. */
function hostOf(spec: Uint8Array | undefined): string {
  if (spec === undefined) return '(no spec)';
  try {
    return (JSON.parse(Buffer.from(spec).toString()) as { hostname: string }).hostname;
  } catch (e) {
    return `(${reasonOf(e)})`;
  }
}
