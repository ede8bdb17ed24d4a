import { type CallOptions, type Descriptor, Fault, type Labels } from '@stowage/core';
import type { Services } from './services.ts';

/** How often two who make and remove the same name may get in each other's way. */
const MAX_TRIES = 5;

/**
 * Gives a name to what is there; an image of that name is moved, in one step.
 *
 * @param labels - Default: it has none if it is new, and keeps those that it has.
 */
export async function recordImage(
  { images }: Services,
  name: string,
  target: Descriptor,
  { labels, signal }: CallOptions & { readonly labels?: Labels | undefined } = {},
): Promise<void> {
  const image = { name, target, labels: labels ?? {} };
  for (let tries = 1; ; tries++) {
    try {
      await images.create(image, { signal });
      return;
    } catch (e) {
      if (!Fault.is(e, 'already_exists')) throw e;
    }
    try {
      await images.update(image, labels === undefined ? ['target'] : ['target', 'labels'], { signal });
      return;
    } catch (e) {
      // Removed in between.
      if (!Fault.is(e, 'not_found') || tries === MAX_TRIES) throw e;
    }
  }
}
