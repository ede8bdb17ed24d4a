import { create } from '@bufbuild/protobuf';
import { ImageSchema, type Image as WireImage } from '@stowage/api/images/v1';
import type { Descriptor as WireDescriptor } from '@stowage/api/types';
import { cleanLabels, type Descriptor, Fault, parseDigest } from '@stowage/core';
import { dateOf, descriptorFromWire, descriptorToWire, timestampOf } from '@stowage/rpc';
import type { Image, ImageChange, NewImage } from './image-store.ts';

/** @throws Fault `invalid_argument` if it is not set, or its target has no valid digest. */
export function newImageFromWire(wire: WireImage | undefined): NewImage {
  if (wire === undefined) throw new Fault('invalid_argument', 'image is required');
  const { name, labels, target } = wire;
  return { name, labels: cleanLabels(labels), target: descriptorFromWire(target, 'image target') };
}

export function imageFromWire(wire: WireImage | undefined): Image {
  const { createdAt, updatedAt } = wire ?? {};
  const epoch = new Date(0);
  return {
    ...newImageFromWire(wire),
    createdAt: dateOf(createdAt) ?? epoch,
    updatedAt: dateOf(updatedAt) ?? epoch,
  };
}

/** What an update may leave out stays out: a Go client that changes labels sends a target without digest. */
export function imageChangeFromWire(wire: WireImage | undefined): ImageChange {
  if (wire === undefined) throw new Fault('invalid_argument', 'image is required');
  const { name, labels, target } = wire;
  return { name, labels: cleanLabels(labels), target: target && partialDescriptor(target) };
}

export function imageToWire({ name, labels, target, createdAt, updatedAt }: Image): WireImage {
  return create(ImageSchema, {
    name,
    labels: cleanLabels(labels),
    target: descriptorToWire(target),
    createdAt: timestampOf(createdAt),
    updatedAt: timestampOf(updatedAt),
  });
}

export function imageChangeToWire({ name, labels = {}, target }: ImageChange): WireImage {
  const image = create(ImageSchema, { name, labels: cleanLabels(labels) });
  if (target !== undefined) {
    const { mediaType = '', digest = '' as Descriptor['digest'], size = 0n, annotations } = target;
    image.target = descriptorToWire({ mediaType, digest, size, annotations });
  }
  return image;
}

function partialDescriptor({ mediaType, digest, size, annotations }: WireDescriptor): Partial<Descriptor> {
  return {
    mediaType,
    size,
    annotations: cleanLabels(annotations),
    ...(digest !== '' && { digest: parseDigest(digest) }),
  };
}
