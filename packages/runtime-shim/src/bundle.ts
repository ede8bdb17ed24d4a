import { readFile, realpath, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, unlessAbsent } from '@stowage/core';
import { replaceFile } from '@stowage/core/durable';
import { hasCode } from '@stowage/linux';
import type { Mounter } from '@stowage/linux/mounter';
import { isWithin, readMountInfo } from '@stowage/linux/mountinfo';
import { type Bootstrap, parseStartAnswer } from './start-answer.ts';

const BOOTSTRAP = 'bootstrap.json';

/** Keeps how the shim is reached, in containerd's form, for whoever comes after a restart. */
export async function saveBootstrap(bundle: string, { version, path }: Bootstrap): Promise<void> {
  const text = JSON.stringify({ version, address: `unix://${path}`, protocol: 'ttrpc' });
  await replaceFile(join(bundle, BOOTSTRAP), text);
}

/** Undefined if its shim was never started. */
export async function readBootstrap(bundle: string): Promise<Bootstrap | undefined> {
  const answer = await unlessAbsent(readFile(join(bundle, BOOTSTRAP)));
  return answer && parseStartAnswer(answer);
}

/** Undoes what the shim left mounted at the rootfs; what is still in use is detached. */
export async function unmountRootfs(bundle: string, mounter: Mounter): Promise<void> {
  const rootfs = await unlessAbsent(realpath(join(bundle, 'rootfs')));
  if (rootfs === undefined) return;
  if (!(await readMountInfo()).some(({ mountPoint }) => isWithin(mountPoint, rootfs))) return;
  try {
    await mounter.unmount(rootfs, { recursive: true, busyTimeoutMs: 500 });
  } catch (e) {
    if (!hasCode(e, 'EBUSY')) throw e;
    await mounter.unmount(rootfs, { recursive: true, lazy: true });
  }
}

/** Removes the bundle of a task that nobody will delete. A rootfs that is not empty stays, and what is in it. */
export async function removeBundle(bundle: string): Promise<void> {
  await rmdir(join(bundle, 'rootfs')).catch((e: unknown) => {
    if (errnoOf(e) !== 'ENOENT') throw e;
  });
  await rm(bundle, { recursive: true, force: true });
}
