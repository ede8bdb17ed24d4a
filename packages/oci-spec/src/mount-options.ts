import { Fault, quote } from '@stowage/core';
import { absolutePath, whole } from './check.ts';
import type { SpecOption } from './compose.ts';
import { changeLinux, withMounts } from './linux-options.ts';
import { parseTmpfs } from './mount-forms.ts';

/** Files in memory at a path: `withTmpfs('/tmp:size=64m')`. */
export function withTmpfs(text: string): SpecOption {
  return withMounts([parseTmpfs(text)]);
}

/**
 * The size of `/dev/shm`, which is 64 MiB by default.
 *
 * @throws Fault `failed_precondition`, when applied, if the spec mounts none.
 */
export function withShmSize(sizeBytes: number): SpecOption {
  whole('size of /dev/shm', sizeBytes, 1);
  return (spec) => {
    const isShm = (m: { destination: string; type?: string | undefined }) =>
      m.destination === '/dev/shm' && m.type === 'tmpfs';
    if (spec.mounts?.some(isShm) !== true)
      throw new Fault('failed_precondition', 'size of /dev/shm: the spec mounts none of its own');
    const mounts = spec.mounts.map((m) =>
      isShm(m)
        ? { ...m, options: [...(m.options ?? []).filter((o) => !o.startsWith('size=')), `size=${sizeBytes}`] }
        : m,
    );
    return { ...spec, mounts };
  };
}

/** Leaves out what is mounted at a path. */
export function withoutMount(destination: string): SpecOption {
  return (spec) => ({ ...spec, mounts: spec.mounts?.filter((m) => m.destination !== destination) ?? [] });
}

const ROOTFS_PROPAGATIONS = ['private', 'shared', 'slave', 'unbindable'];

/** How mounts below the container's root travel to and from the host. */
export function withRootfsPropagation(propagation: string): SpecOption {
  if (!ROOTFS_PROPAGATIONS.includes(propagation.replace(/^r/, '')))
    throw new Fault('invalid_argument', `propagation ${quote(propagation)} is none, as rslave`);
  return (spec) => changeLinux(spec, { rootfsPropagation: propagation });
}

/** Hides what is at these paths, instead of those of the default. */
export function withMaskedPaths(paths: readonly string[]): SpecOption {
  for (const path of paths) absolutePath('masked path', path);
  return (spec) => changeLinux(spec, { maskedPaths: paths });
}

/** Nobody writes to what is at these paths, instead of those of the default. */
export function withReadonlyPaths(paths: readonly string[]): SpecOption {
  for (const path of paths) absolutePath('read-only path', path);
  return (spec) => changeLinux(spec, { readonlyPaths: paths });
}
