import { create } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import { ImageSchema, Images } from '@stowage/api/images/v1';
import { cleanLabels, type Scope } from '@stowage/core';
import { descriptorToWire, rpcClient, timestampOf } from '@stowage/rpc';
import { imageChangeToWire, imageFromWire } from './convert.ts';
import type { ImageStore } from './image-store.ts';

/** One scope's store behind any Connect transport. */
export function remoteImages(transport: Transport, scope: Scope): ImageStore {
  const rpc = rpcClient(Images, transport, scope);
  return {
    async get(name, { signal } = {}) {
      return imageFromWire((await rpc.get({ name }, { signal })).image);
    },
    async *list(filters = [], { signal } = {}) {
      const { images } = await rpc.list({ filters: [...filters] }, { signal });
      for (const image of images) yield imageFromWire(image);
    },
    async create({ name, labels, target }, { sourceDateEpoch, signal } = {}) {
      const image = create(ImageSchema, {
        name,
        labels: cleanLabels(labels),
        target: descriptorToWire(target),
      });
      const stamp = sourceDateEpoch && { sourceDateEpoch: timestampOf(sourceDateEpoch) };
      return imageFromWire((await rpc.create({ image, ...stamp }, { signal })).image);
    },
    async update(change, paths = [], { sourceDateEpoch, signal } = {}) {
      const request = { image: imageChangeToWire(change), updateMask: { paths: [...paths] } };
      const stamp = sourceDateEpoch && { sourceDateEpoch: timestampOf(sourceDateEpoch) };
      return imageFromWire((await rpc.update({ ...request, ...stamp }, { signal })).image);
    },
    async delete(name, { sync = false, target, signal } = {}) {
      await rpc.delete({ name, sync, ...(target && { target: { digest: target.digest } }) }, { signal });
    },
  };
}
