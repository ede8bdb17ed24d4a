import { createClient, createRouterTransport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Images } from '@stowage/api/images/v1';
import { digestOf } from '@stowage/core';
import type { DeleteImageOptions, Image, ImageChange, ImageStore } from '@stowage/images';
import { remoteImages } from '@stowage/images/remote';
import { imageRoutes } from '@stowage/images/service';

const target = { mediaType: 'm', digest: digestOf('x'), size: 7n, annotations: { k: 'v' } };
const at = new Date(1_700_000_000_123);
const made: Image = { name: 'a', target, labels: { l: '1' }, createdAt: at, updatedAt: at };

/** One image, and what was asked of it. */
class OneImage implements ImageStore {
  readonly updates: Array<{ change: ImageChange; paths: readonly string[] }> = [];
  readonly deletes: DeleteImageOptions[] = [];

  get = async () => made;
  create = async (image: object, { sourceDateEpoch = at }: { sourceDateEpoch?: Date | undefined } = {}) => ({
    ...made,
    ...image,
    createdAt: sourceDateEpoch,
  });
  async *list(filters: readonly string[] = []) {
    if (filters.length === 0) yield made;
  }
  update = async (change: ImageChange, paths: readonly string[] = []) => {
    this.updates.push({ change, paths });
    return made;
  };
  delete = async (_: string, { sync, target }: DeleteImageOptions = {}) =>
    void this.deletes.push({ sync, target });
}

function reached(): { local: OneImage; images: ImageStore } {
  const local = new OneImage();
  return { local, images: remoteImages(createRouterTransport(imageRoutes(() => local)), { namespace: 'n' }) };
}

test('an image crosses the wire as it is', async () => {
  const { images } = reached();
  expect(await images.get('a')).toMatchObject(made);
  expect(await Array.fromAsync(images.list())).toMatchObject([made]);
  expect(await Array.fromAsync(images.list(['name==b']))).toEqual([]);
  const sourceDateEpoch = new Date(5000);
  const created = await images.create({ name: 'b', target, labels: {} }, { sourceDateEpoch });
  expect(created).toMatchObject({ name: 'b', createdAt: sourceDateEpoch });
});

test('an update may leave out its target, as the Go client does', async () => {
  const { local, images } = reached();
  await images.update({ name: 'a', labels: { fooBar: '2' } }, ['labels.fooBar']);
  const rpc = createClient(Images, createRouterTransport(imageRoutes(() => local)));
  await rpc.update({ image: { name: 'a', target: {} }, updateMask: { paths: ['labels.x.y'] } });
  expect(local.updates.map(({ paths }) => paths)).toEqual([['labels.fooBar'], ['labels.x.y']]);
  expect(local.updates[0]?.change.target).toBeUndefined();
  expect(local.updates[1]?.change.target).not.toHaveProperty('digest');
});

test('a malformed digest is refused at the door', async () => {
  const { local } = reached();
  const rpc = createClient(Images, createRouterTransport(imageRoutes(() => local)));
  const image = { name: 'a', target: { digest: 'sha256:../../x', size: 1n, mediaType: 'm' } };
  await expect(rpc.create({ image })).rejects.toThrow('invalid_argument');
  await expect(rpc.create({})).rejects.toThrow('image is required');
});

test('a delete carries sync and the digest that is believed to be there', async () => {
  const { local, images } = reached();
  await images.delete('a', { sync: true, target });
  await images.delete('a');
  expect(local.deletes).toEqual([
    { sync: true, target: { digest: target.digest } },
    { sync: false, target: undefined },
  ]);
});
