import { expect, test } from '@jest/globals';
import { type Descriptor, digestOf, Fault, type Labels } from '@stowage/core';
import { type Image, type ImageChange, type NewImage, recordImage } from '@stowage/images';

const target: Descriptor = { mediaType: 'm', digest: digestOf('new'), size: 3n };
const old: Descriptor = { mediaType: 'm', digest: digestOf('old'), size: 3n };

/** One name, as `@stowage/metadata` keeps it. */
class OneName {
  image: NewImage | undefined;
  /** Run before each update: what somebody else does meanwhile. */
  meanwhile = () => {};

  create = async (image: NewImage): Promise<Image> => {
    if (this.image !== undefined) throw new Fault('already_exists', 'image "a": already exists');
    this.image = image;
    return { ...image, createdAt: new Date(), updatedAt: new Date() };
  };
  update = async (change: ImageChange, paths: readonly string[] = []): Promise<Image> => {
    this.meanwhile();
    if (this.image === undefined) throw new Fault('not_found', 'image "a": not found');
    let labels: Labels = this.image.labels;
    if (paths.includes('labels')) labels = change.labels ?? {};
    for (const path of paths)
      if (path.startsWith('labels.'))
        labels = { ...labels, [path.slice(7)]: change.labels?.[path.slice(7)] ?? '' };
    const changed = { ...this.image, labels, target: (change.target ?? this.image.target) as Descriptor };
    this.image = changed;
    return { ...changed, createdAt: new Date(), updatedAt: new Date() };
  };
}

function named(labels: Labels): OneName {
  const images = new OneName();
  images.image = { name: 'a', target: old, labels };
  return images;
}

test('a name that is new is made', async () => {
  const images = new OneName();
  await recordImage(images, 'a', target, { labels: { l: '1' } });
  expect(images.image).toEqual({ name: 'a', target, labels: { l: '1' } });
});

test.each([
  ['kept without any', {}, { l: '1' }],
  ['replaced by those given', { labels: { 'x.y/z': '2' } }, { 'x.y/z': '2' }],
  ['taken away by none', { labels: {} }, {}],
  ['added to', { labels: { 'x.y/z': '2' }, labelling: 'add' as const }, { l: '1', 'x.y/z': '2' }],
])('of a name that is moved, labels are %s', async (_, options, labels) => {
  const images = named({ l: '1' });
  await recordImage(images, 'a', target, options);
  expect(images.image).toEqual({ name: 'a', target, labels });
});

test('a name that is removed in between is made', async () => {
  const images = named({});
  images.meanwhile = () => {
    images.image = undefined;
  };
  await recordImage(images, 'a', target);
  expect(images.image?.target).toEqual(target);
});

test('a name that is made and removed in turns is given up at last', async () => {
  const images = named({});
  images.create = async () => {
    throw new Fault('already_exists', 'image "a": already exists');
  };
  images.meanwhile = () => {
    images.image = undefined;
  };
  await expect(recordImage(images, 'a', target)).rejects.toMatchObject({ kind: 'not_found' });
});
