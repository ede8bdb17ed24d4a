import type { Mount } from '@stowage/core';
import type { ActiveMount } from '@stowage/mounts';
import { takeDirectories, type WantedDirectory } from './directories.ts';
import type { Step } from './plan.ts';
import { type Budget, filledIn } from './template.ts';

/** A mount as it can be made, and what must be there before. */
export interface Transformed {
  readonly mount: Mount;
  readonly directories: readonly WantedDirectory[];
}

/**
 * Applies the transforms of a step, in their order. Nothing is made yet.
 *
 * @throws Fault `invalid_argument` for templates and options that are malformed.
 */
export function transformed(
  { mount, transforms, type }: Step,
  active: readonly ActiveMount[],
  budget: Budget,
): Transformed {
  let current: Mount = { ...mount, type };
  const directories: WantedDirectory[] = [];
  for (const transform of transforms) {
    if (transform === 'format') current = formatted(current, active, budget);
    else {
      const taken = takeDirectories(current);
      current = taken.mount;
      directories.push(...taken.directories);
    }
  }
  return { mount: current, directories };
}

function formatted(mount: Mount, active: readonly ActiveMount[], budget: Budget): Mount {
  return {
    type: mount.type,
    source: filledIn(mount.source, active, budget),
    target: filledIn(mount.target ?? '', active, budget),
    options: mount.options.map((option) => filledIn(option, active, budget)),
  };
}
