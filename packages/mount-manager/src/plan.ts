import { Fault, type Mount, quote } from '@stowage/core';

/** What can stand before a type, with a slash behind. */
export type Transform = 'format' | 'mkdir' | 'mkfs';

/** One mount, taken apart. */
export interface Step {
  readonly mount: Mount;
  /** In the order in which they are applied: as they stand. */
  readonly transforms: readonly Transform[];
  /** What is left of the type after the transforms. */
  readonly type: string;
}

/** Who makes what. */
export interface Plan {
  /** Whether any of the mounts is more than the caller can make by itself. */
  readonly isNeeded: boolean;
  /** What the manager makes, in order. */
  readonly active: readonly Step[];
  /** What it leaves to its caller; of these only the first may have transforms. */
  readonly system: readonly Step[];
}

/** Longer chains than this say the same twice. */
const MOST_TRANSFORMS = 8;

/**
 * Splits mounts after the last one that a handler makes, or before the last one with a transform: that one needs those
 * before it, and the kernel can make it.
 *
 * @param isHandled - whether a type has a handler.
 * @param makesAll - Leaves none to the caller.
 * @throws Fault `unimplemented` for a transform that is not built; `invalid_argument` for a chain without an end.
 * @see containerd core/mount/manager/plan.go
 */
export function planOf(
  mounts: readonly Mount[],
  isHandled: (type: string) => boolean,
  makesAll: boolean,
): Plan {
  const steps = mounts.map(stepOf);
  let first = makesAll ? steps.length : 0;
  let isNeeded = first > 0;
  for (const [i, { transforms, type }] of steps.entries()) {
    const handled = isHandled(type);
    if (!handled && transforms.length === 0) continue;
    isNeeded = true;
    first = Math.max(first, handled ? i + 1 : i);
  }
  return { isNeeded, active: steps.slice(0, first), system: steps.slice(first) };
}

function stepOf(mount: Mount): Step {
  const parts = mount.type.split('/');
  const type = parts.pop() ?? '';
  if (parts.length > MOST_TRANSFORMS || (parts.length > 0 && type === ''))
    throw new Fault('invalid_argument', `mount type ${quote(mount.type)}: expected <transform>/.../<type>`);
  return { mount, transforms: parts.map((part) => transformOf(part, mount.type)), type };
}

function transformOf(part: string, type: string): Transform {
  if (part === 'format' || part === 'mkdir' || part === 'mkfs') return part;
  throw new Fault('unimplemented', `mount type ${quote(type)}: there is no transform ${quote(part)} here`);
}
