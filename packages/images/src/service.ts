import { Images, type Image as WireImage } from '@stowage/api/images/v1';
import { parseDigest, type Scoped } from '@stowage/core';
import { dateOf, type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import { imageChangeFromWire, imageToWire, newImageFromWire } from './convert.ts';
import type { ImageStore } from './image-store.ts';

/** Serves stores by scope as `containerd.services.images.v1.Images`. */
export function imageRoutes(images: Scoped<ImageStore>): Routes {
  return serviceRoutes(Images, {
    async get({ name }, context) {
      const { signal } = context;
      return { image: imageToWire(await images(scopeOf(context)).get(name, { signal })) };
    },
    async list({ filters }, context) {
      const { signal } = context;
      const found: WireImage[] = [];
      for await (const image of images(scopeOf(context)).list(filters, { signal }))
        found.push(imageToWire(image));
      return { images: found };
    },
    async create({ image, sourceDateEpoch }, context) {
      const options = { signal: context.signal, sourceDateEpoch: dateOf(sourceDateEpoch) };
      const store = images(scopeOf(context));
      return { image: imageToWire(await store.create(newImageFromWire(image), options)) };
    },
    async update({ image, updateMask, sourceDateEpoch }, context) {
      const options = { signal: context.signal, sourceDateEpoch: dateOf(sourceDateEpoch) };
      const store = images(scopeOf(context));
      const updated = await store.update(imageChangeFromWire(image), updateMask?.paths ?? [], options);
      return { image: imageToWire(updated) };
    },
    async delete({ name, sync, target }, context) {
      const { signal } = context;
      const expected = target && target.digest !== '' ? { digest: parseDigest(target.digest) } : undefined;
      await images(scopeOf(context)).delete(name, { sync, target: expected, signal });
      return {};
    },
  });
}
