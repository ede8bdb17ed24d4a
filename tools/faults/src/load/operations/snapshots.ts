import { keyOf } from '../../model/keys.ts';
import type { Edge, Snapshot } from '../../model/thing.ts';
import { upperOf, writeTree } from '../../model/tree.ts';
import type { Effect } from '../../model/world.ts';
import { SNAPSHOTTERS } from '../../services.ts';
import type { ClientView } from '../client-view.ts';
import type { Operation } from '../operation.ts';

export const snapshotOperations: readonly Operation[] = [
  {
    name: 'snapshot.prepare',
    weight: 7,
    plan(client) {
      if (!client.room('snapshot', 8)) return undefined;
      const parent = client.rng.chance(0.6) ? client.one('snapshot', isCommitted) : undefined;
      const lease = client.rng.chance(0.5) ? client.one('lease')?.id : undefined;
      const snapshotter = parent?.snapshotter ?? client.rng.pick(SNAPSHOTTERS) ?? SNAPSHOTTERS[0];
      const name = client.fresh('key');
      const thing: Snapshot = {
        kind: 'snapshot',
        namespace: client.namespace,
        snapshotter,
        name,
        state: 'active',
        parent: parent?.name ?? '',
        labels: lease === undefined ? client.rooted() : client.labels(),
        seed: name,
      };
      return {
        effects: [{ key: keyOf(thing), thing }, ...heldBy(lease, thing)],
        async run(services, signal) {
          const { labels, parent } = thing;
          const snapshots = services.leased(lease).snapshotter(snapshotter);
          await writeTree(upperOf(await snapshots.prepare(name, parent, { labels, signal })), name);
        },
      };
    },
  },
  {
    name: 'snapshot.commit',
    weight: 6,
    plan(client) {
      const active = client.one('snapshot', (snapshot) => isActive(snapshot) && client.isLoose(snapshot));
      if (active === undefined) return undefined;
      const lease = client.rng.chance(0.4) ? client.one('lease')?.id : undefined;
      const labels = lease === undefined ? client.rooted() : client.labels();
      const name = client.fresh('layer');
      const thing: Snapshot = { ...active, name, state: 'committed', labels };
      return {
        effects: [
          { key: keyOf(thing), thing },
          { key: keyOf(active), thing: null },
          ...heldBy(lease, thing),
          ...(lease === undefined ? [] : freed(client, lease, active)),
        ],
        run: (services, signal) =>
          services
            .leased(lease)
            .snapshotter(active.snapshotter)
            .commit(name, active.name, { labels, signal }),
      };
    },
  },
  {
    name: 'snapshot.label',
    weight: 2,
    plan(client) {
      const old = client.one('snapshot');
      if (old === undefined) return undefined;
      const thing: Snapshot = { ...old, labels: client.relabelled(old) };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: async (services, signal) =>
          void (await services
            .snapshotter(old.snapshotter)
            .update(old.name, thing.labels, undefined, { signal })),
      };
    },
  },
  {
    name: 'snapshot.remove',
    weight: 4,
    plan(client) {
      const old = client.one('snapshot', (snapshot) => client.isLoose(snapshot));
      if (old === undefined) return undefined;
      return {
        effects: [{ key: keyOf(old), thing: null }],
        run: (services, signal) => services.snapshotter(old.snapshotter).remove(old.name, { signal }),
      };
    },
  },
];

const isCommitted = ({ state }: Snapshot): boolean => state === 'committed';
const isActive = ({ state }: Snapshot): boolean => state === 'active';

function heldBy(lease: string | undefined, snapshot: Snapshot): Effect[] {
  if (lease === undefined) return [];
  const thing = edgeOf(lease, snapshot);
  return [{ key: keyOf(thing), thing }];
}

/** A commit under a lease ends that lease's hold of the key that is gone. */
function freed(client: ClientView, lease: string, snapshot: Snapshot): Effect[] {
  const key = keyOf(edgeOf(lease, snapshot));
  return client.isFree(key) ? [] : [{ key, thing: null }];
}

function edgeOf(lease: string, { namespace, snapshotter, name }: Snapshot): Edge {
  return { kind: 'edge', namespace, lease, type: `snapshots/${snapshotter}`, id: name };
}
