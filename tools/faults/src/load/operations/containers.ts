import type { NewContainer } from '@stowage/containers';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import { keyOf } from '../../model/keys.ts';
import type { Container } from '../../model/thing.ts';
import type { Operation } from '../operation.ts';

export const containerOperations: readonly Operation[] = [
  {
    name: 'container.create',
    weight: 4,
    plan(client) {
      const snapshot = client.one('snapshot', (one) => one.state === 'active' && client.isLoose(one));
      if (snapshot === undefined || !client.room('container', 4)) return undefined;
      const { namespace, snapshotter, name } = snapshot;
      const thing: Container = {
        kind: 'container',
        namespace,
        id: client.fresh('container'),
        snapshotter,
        snapshot: name,
        spec: client.fresh('host'),
        labels: client.labels(),
      };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: async ({ containers }, signal) =>
          void (await containers.create(newContainer(thing), { signal })),
      };
    },
  },
  {
    name: 'container.update',
    weight: 3,
    plan(client) {
      const old = client.one('container');
      if (old === undefined) return undefined;
      const thing: Container = { ...old, labels: client.labels(), spec: client.fresh('host') };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: async ({ containers }, signal) =>
          void (await containers.update(newContainer(thing), ['labels', 'spec'], { signal })),
      };
    },
  },
  {
    name: 'container.delete',
    weight: 3,
    plan(client) {
      const old = client.one('container');
      if (old === undefined) return undefined;
      return {
        effects: [{ key: keyOf(old), thing: null }],
        run: ({ containers }, signal) => containers.delete(old.id, { signal }),
      };
    },
  },
];

function newContainer({ id, labels, snapshotter, snapshot, spec }: Container): NewContainer {
  return {
    id,
    labels,
    image: '',
    runtime: { name: 'io.containerd.runc.v2' },
    spec: jsonBytes(TYPE_URL.spec, { ociVersion: '1.1.0', hostname: spec }),
    snapshotter,
    snapshotKey: snapshot,
    extensions: {},
    sandboxId: '',
  };
}
