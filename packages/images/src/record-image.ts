import { type CallOptions, type Descriptor, Fault, type Labels } from '@stowage/core';
import type { ImageStore } from './image-store.ts';

/** How often two who make and remove the same name may get in each other's way. */
const MAX_TRIES = 5;

export interface RecordOptions extends CallOptions {
  /** Default: none if the image is new, and those that it has if it is not. */
  readonly labels?: Labels | undefined;
  /** Whether the labels come in place of those that the image has, or beside them. Default: `replace`. */
  readonly labelling?: 'replace' | 'add' | undefined;
}

/**
 * Gives a name to what is there; an image of that name is moved, in one step.
 *
 * @throws Fault as {@link ImageStore.create}; `not_found` if somebody removes the image again and again meanwhile.
 */
export async function recordImage(
  images: Pick<ImageStore, 'create' | 'update'>,
  name: string,
  target: Descriptor,
  { labels, labelling = 'replace', signal }: RecordOptions = {},
): Promise<void> {
  const image = { name, target, labels: labels ?? {} };
  const paths = ['target'];
  if (labelling === 'add') paths.push(...Object.keys(image.labels).map((key) => `labels.${key}`));
  else if (labels !== undefined) paths.push('labels');
  for (let tries = 1; ; tries++) {
    try {
      await images.create(image, { signal });
      return;
    } catch (e) {
      if (!Fault.is(e, 'already_exists')) throw e;
    }
    try {
      await images.update(image, paths, { signal });
      return;
    } catch (e) {
      // Removed in between.
      if (!Fault.is(e, 'not_found') || tries === MAX_TRIES) throw e;
    }
  }
}
