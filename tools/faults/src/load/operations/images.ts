import type { Descriptor, Digest } from '@stowage/core';
import { keyOf } from '../../model/keys.ts';
import type { Blob, Of } from '../../model/thing.ts';
import type { Operation } from '../operation.ts';

type Image = Of<'image'>;

export const imageOperations: readonly Operation[] = [
  {
    name: 'image.create',
    weight: 5,
    plan(client) {
      const blob = client.one('blob');
      if (blob === undefined || !client.room('image', 5)) return undefined;
      const { namespace } = client;
      const name = client.fresh('example.com/image');
      const thing: Image = { kind: 'image', namespace, name, target: blob.digest, labels: client.labels() };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: async ({ images }, signal) =>
          void (await images.create({ name, target: descriptor(blob), labels: thing.labels }, { signal })),
      };
    },
  },
  {
    name: 'image.label',
    weight: 2,
    plan(client) {
      const old = client.one('image');
      if (old === undefined) return undefined;
      const thing: Image = { ...old, labels: client.labels() };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: async ({ images }, signal) =>
          void (await images.update(labelsOnly(thing), ['labels'], { signal })),
      };
    },
  },
  {
    name: 'image.retarget',
    weight: 3,
    plan(client) {
      const old = client.one('image');
      const blob = client.one('blob');
      if (old === undefined || blob === undefined) return undefined;
      const thing: Image = { ...old, target: blob.digest, labels: client.labels() };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: async ({ images }, signal) =>
          void (await images.update({ ...labelsOnly(thing), target: descriptor(blob) }, undefined, {
            signal,
          })),
      };
    },
  },
  {
    name: 'image.delete',
    weight: 3,
    plan(client) {
      const old = client.one('image');
      if (old === undefined) return undefined;
      const sync = client.rng.chance(0.4);
      return {
        effects: [{ key: keyOf(old), thing: null }],
        run: ({ images }, signal) => images.delete(old.name, { sync, signal }),
      };
    },
  },
];

function descriptor({ digest, sizeBytes }: Blob): Descriptor {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  return { mediaType, digest: digest as Digest, size: BigInt(sizeBytes) };
}

function labelsOnly({ name, labels }: Image): Pick<Image, 'name' | 'labels'> {
  return { name, labels };
}
