import { chmod, chown, mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EXHAUSTED, errnoOf, Fault, reasonOf, type TypedBytes, unlessAbsent } from '@stowage/core';

interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
}

/**
 * Makes the directory that an OCI runtime reads: `config.json` and an empty `rootfs`. One that a crash left behind
 * is replaced; of one that can't be made nothing is left.
 *
 * Nobody but root may enter it, except that the mapped root of a user-namespaced container must be able to walk
 * through (runc opens the rootfs as that user).
 *
 * @throws Fault `failed_precondition` if the rootfs of an earlier one is in use; `resource_exhausted`;
 *   `invalid_argument` for a spec that is no JSON.
 */
export async function makeBundle(path: string, spec: TypedBytes): Promise<void> {
  const gid = mappedRoot(spec);
  await removeBundle(path);
  try {
    await fillBundle(path, spec, gid);
  } catch (e) {
    await removeBundle(path);
    throw new Fault(EXHAUSTED[errnoOf(e) ?? ''] ?? 'unknown', `make bundle ${path}: ${reasonOf(e)}`, {
      cause: e,
    });
  }
}

async function fillBundle(path: string, spec: TypedBytes, gid: number | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o711 });
  await chmod(dirname(path), 0o711);
  await chmod(path, gid === undefined ? 0o700 : 0o710);
  if (gid !== undefined) await chown(path, 0, gid);
  await mkdir(join(path, 'rootfs'), { mode: 0o711 });
  await using file = await open(join(path, 'config.json'), 'wx', 0o600);
  await file.writeFile(spec.value);
}

/**
 * Removes a bundle. Its rootfs is removed only if empty: a mount that somebody failed to undo is never descended
 * into, it stays and is named.
 *
 * @throws Fault `failed_precondition` if the rootfs is not empty.
 */
export async function removeBundle(path: string): Promise<void> {
  const names = await unlessAbsent(readdir(path));
  if (names === undefined) return;
  if (names.includes('rootfs')) {
    await rmdir(join(path, 'rootfs')).catch((e: unknown) => {
      if (!['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(errnoOf(e) ?? '')) throw e;
      const reason = 'its rootfs is still mounted or not empty';
      const remedy = `see what is there, "umount ${join(path, 'rootfs')}" if it is a mount, and try again`;
      throw new Fault('failed_precondition', `remove bundle ${path}: ${reason}; ${remedy}`, { cause: e });
    });
  }
  await rm(path, { recursive: true });
}

function mappedRoot(spec: TypedBytes): number | undefined {
  const { linux } = parseSpec(spec);
  return linux?.gidMappings?.find((m) => m.containerID === 0)?.hostID;
}

function parseSpec(spec: TypedBytes): { linux?: { gidMappings?: readonly IdMapping[] } } {
  try {
    return JSON.parse(Buffer.from(spec.value).toString('utf8')) ?? {};
  } catch (e) {
    throw new Fault('invalid_argument', `the container's spec is no JSON: ${(e as Error).message}`, {
      cause: e,
    });
  }
}
