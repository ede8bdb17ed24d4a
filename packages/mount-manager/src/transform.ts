import type { Mount } from '@stowage/core';
import type { ActiveMount } from '@stowage/mounts';
import { takeDirectories, type WantedDirectory } from './directories.ts';
import { takeFilesystem, type WantedFilesystem } from './filesystems.ts';
import type { Step } from './plan.ts';
import { type Budget, filledIn } from './template.ts';

/** Something that must be there before a mount. */
export type Preparation =
  | { readonly make: 'directory'; readonly wanted: WantedDirectory }
  | { readonly make: 'filesystem'; readonly wanted: WantedFilesystem };

/** A mount as it can be made, and what must be there before, in order. */
export interface Transformed {
  readonly mount: Mount;
  readonly preparations: readonly Preparation[];
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
  const preparations: Preparation[] = [];
  for (const transform of transforms) {
    if (transform === 'format') current = formatted(current, active, budget);
    else if (transform === 'mkdir') {
      const taken = takeDirectories(current);
      current = taken.mount;
      preparations.push(...taken.directories.map((wanted) => ({ make: 'directory', wanted }) as const));
    } else {
      const taken = takeFilesystem(current);
      current = taken.mount;
      preparations.push({ make: 'filesystem', wanted: taken.filesystem });
    }
  }
  return { mount: current, preparations };
}

function formatted(mount: Mount, active: readonly ActiveMount[], budget: Budget): Mount {
  return {
    type: mount.type,
    source: filledIn(mount.source, active, budget),
    target: filledIn(mount.target ?? '', active, budget),
    options: mount.options.map((option) => filledIn(option, active, budget)),
  };
}
