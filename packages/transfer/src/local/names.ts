import { type CallOptions, cleanLabels, type Descriptor, Fault, type Labels } from '@stowage/core';
import { type ImageStore, recordImage } from '@stowage/images';
import { ANNOTATION } from '@stowage/oci-image';
import type { ImageReference, StoredImage } from '../objects.ts';
import type { Steps } from './steps.ts';

/**
 * Names what arrived: the image's name and its references that are no prefixes. What has a name already is moved.
 *
 * @throws Fault `not_found` if there is no name to give.
 * @see containerd core/transfer/image/imagestore.go Store
 */
export async function storeImage(
  images: ImageStore,
  { name, labels, references = [] }: StoredImage,
  target: Descriptor,
  steps: Steps,
  options: CallOptions,
): Promise<void> {
  const names = references
    .filter(({ isPrefix }) => !isPrefix)
    .map((reference) => (reference.addDigest ? `${reference.name}@${target.digest}` : reference.name));
  const all = name === '' ? names : [name, ...names];
  if (all.length === 0) throw new Fault('not_found', `name ${target.digest}: no name was given for it`);
  await setAll(images, all, target, labels, steps, options);
}

/** What an image of an archive is to be called: by what the archive calls it and the references that are prefixes. */
export function archivedNames({ references = [] }: StoredImage, target: Descriptor): string[] {
  const names = references
    .filter(({ isPrefix }) => isPrefix)
    .flatMap((reference) => namesOf(reference, target));
  return [...new Set(names)];
}

/** Gives an image of an archive these names. */
export async function storeArchived(
  images: ImageStore,
  image: StoredImage,
  target: Descriptor,
  steps: Steps,
  options: CallOptions,
): Promise<void> {
  await setAll(images, archivedNames(image, target), target, image.labels, steps, options);
}

function namesOf(reference: ImageReference, { annotations = {}, digest }: Descriptor): string[] {
  const withDigest = `${reference.name}@${digest}`;
  const name = nameIn(annotations, reference);
  if (name === undefined) return reference.addDigest ? [withDigest] : [];
  return reference.addDigest && !reference.skipNamedDigest ? [name, withDigest] : [name];
}

function nameIn(annotations: Labels, reference: ImageReference): string | undefined {
  const full = annotations[ANNOTATION.imageName];
  if (full !== undefined && full !== '') {
    return prefixed(full, reference) === full ? full : undefined;
  }
  const ref = annotations[ANNOTATION.refName];
  return ref === undefined || ref === '' ? undefined : prefixed(ref, reference);
}

/** @see containerd core/images/archive/reference.go FilterRefPrefix, AddRefPrefix */
function prefixed(ref: string, { name: prefix, allowOverwrite }: ImageReference): string | undefined {
  if (prefix === '') return undefined;
  if (!/[/:@]/.test(ref)) return `${prefix}:${ref}`;
  return allowOverwrite || (ref.startsWith(prefix) && /^([/:@]|$)/.test(ref.slice(prefix.length)))
    ? ref
    : undefined;
}

async function setAll(
  images: ImageStore,
  names: readonly string[],
  target: Descriptor,
  labels: Labels = {},
  steps: Steps,
  options: CallOptions,
): Promise<void> {
  for (const name of names) {
    await recordImage(images, name, target, { ...options, labels: cleanLabels(labels) });
    steps.image('saved', name, target);
  }
}
