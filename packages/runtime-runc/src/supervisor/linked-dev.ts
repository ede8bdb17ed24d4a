import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';

/**
 * Refuses a root file system whose `/dev` is a link. runc before 1.3.6 and 1.4.3 follows it when it makes the links that
 * `/dev` has, and so makes and removes files of the host (CVE-2026-41579). No image that means well has one.
 *
 * @throws Fault `failed_precondition`
 */
export async function refuseLinkedDev(rootfs: string): Promise<void> {
  try {
    if (!(await lstat(join(rootfs, 'dev'))).isSymbolicLink()) return;
  } catch (e) {
    const errno = errnoOf(e);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return;
    throw e;
  }
  throw new Fault(
    'failed_precondition',
    `rootfs ${rootfs}: its /dev is a link, by which an image could have runc change files of the host`,
  );
}
