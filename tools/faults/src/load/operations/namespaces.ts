import { keyOf } from '../../model/keys.ts';
import type { Thing } from '../../model/thing.ts';
import type { Operation } from '../operation.ts';

export const namespaceOperations: readonly Operation[] = [
  {
    name: 'namespace.create',
    weight: 1,
    plan(client) {
      if (!client.room('namespace', 3)) return undefined;
      const thing: Thing = { kind: 'namespace', name: client.fresh('ns'), labels: client.labels() };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: async ({ namespaces }, signal) => void (await namespaces.create(thing, { signal })),
      };
    },
  },
  {
    name: 'namespace.label',
    weight: 1,
    plan(client) {
      const old = client.one('namespace');
      if (old === undefined) return undefined;
      const thing: Thing = { ...old, labels: client.labels() };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: async ({ namespaces }, signal) => void (await namespaces.update(thing, undefined, { signal })),
      };
    },
  },
  {
    name: 'namespace.delete',
    weight: 1,
    plan(client) {
      const old = client.one('namespace');
      if (old === undefined) return undefined;
      return {
        effects: [{ key: keyOf(old), thing: null }],
        run: ({ namespaces }, signal) => namespaces.delete(old.name, { signal }),
      };
    },
  },
];
