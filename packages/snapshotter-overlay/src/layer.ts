import type { Stats } from 'node:fs';
import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { errnoOf, Fault } from '@stowage/core';
import { getXattr, hasCode, listXattrs, setXattr } from '@stowage/linux';
import { upperOf, workOf } from './mounts.ts';

/** Overlayfs's own bookkeeping, which must not be copied from one layer to another. */
const OVERLAY_XATTR = /^(trusted|user)\.overlay\./;

/**
 * Fills a new snapshot's directory. The top of a merged tree shows owner, mode and attributes of its uppermost layer,
 * so a new layer takes them over from the one below.
 *
 * @param parent - Directory of the layer below, if any.
 * @param writable - Whether overlayfs will write to it.
 */
export async function makeLayer(
  directory: string,
  parent: string | undefined,
  writable: boolean,
): Promise<void> {
  const upper = upperOf(directory);
  await mkdir(upper, { mode: 0o755 });
  if (writable) await mkdir(workOf(directory), { mode: 0o700 });
  const below = parent === undefined ? undefined : upperOf(parent);
  if (below === undefined) {
    // mkdir(2) obeys the umask.
    await chmod(upper, 0o755);
    return;
  }
  const { uid, gid, mode } = await statLayer(below);
  await chown(upper, uid, gid);
  copyXattrs(below, upper);
  await chmod(upper, mode & 0o7777);
}

async function statLayer(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw e;
    const message = `layer ${path} of the parent is gone; remove the snapshots that need it and unpack them again`;
    throw new Fault('data_loss', message, { cause: e });
  }
}

function copyXattrs(from: string, to: string): void {
  let names: string[];
  try {
    names = listXattrs(from);
  } catch (e) {
    if (hasCode(e, 'EOPNOTSUPP')) return;
    throw e;
  }
  for (const name of names) if (!OVERLAY_XATTR.test(name)) setXattr(to, name, getXattr(from, name));
}
