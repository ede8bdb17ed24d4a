import { keyOf } from '../../model/keys.ts';
import type { Edge, Thing } from '../../model/thing.ts';
import type { Operation } from '../operation.ts';

export const leaseOperations: readonly Operation[] = [
  {
    name: 'lease.create',
    weight: 4,
    plan(client) {
      if (!client.room('lease', 4)) return undefined;
      const { namespace } = client;
      const thing: Thing = { kind: 'lease', namespace, id: client.fresh('lease'), labels: client.labels() };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: async ({ leases }, signal) => void (await leases.create(thing, { signal })),
      };
    },
  },
  {
    name: 'lease.add',
    weight: 2,
    plan(client) {
      const lease = client.one('lease');
      const blob = client.one('blob');
      if (lease === undefined || blob === undefined) return undefined;
      const { namespace } = client;
      const thing: Edge = {
        kind: 'edge',
        namespace,
        lease: lease.id,
        type: 'content',
        id: blob.digest,
      };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: ({ leases }, signal) => leases.addResource(lease.id, thing, { signal }),
      };
    },
  },
  {
    name: 'lease.drop',
    weight: 4,
    plan(client) {
      const edge = client.one('edge');
      if (edge === undefined) return undefined;
      return {
        effects: [{ key: keyOf(edge), thing: null }],
        run: ({ leases }, signal) => leases.deleteResource(edge.lease, edge, { signal }),
      };
    },
  },
  {
    name: 'lease.delete',
    weight: 2,
    plan(client) {
      const lease = client.one('lease', ({ id }) => !client.isUnsure(id));
      if (lease === undefined) return undefined;
      const edges = client.all('edge').filter((edge) => edge.lease === lease.id);
      const sync = client.rng.chance(0.4);
      return {
        effects: [lease, ...edges].map((thing) => ({ key: keyOf(thing), thing: null })),
        run: ({ leases }, signal) => leases.delete(lease.id, { sync, signal }),
      };
    },
  },
];
