import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { getXattr, hasCode, listXattrs, setXattr } from '@stowage/linux';
import { upperOf, workOf } from './mounts.ts';
import type { Remap } from './remap.ts';

/** Overlayfs's own bookkeeping, which must not be copied from one layer to another. */
const OVERLAY_XATTR = /^(trusted|user)\.overlay\./;

/**
 * Fills a new snapshot's directory. The top of a merged tree shows owner, mode and attributes of its uppermost layer,
 * so a new layer takes them over from the one below.
 *
 * @param parent - Directory of the layer below, if any.
 * @param writable - Whether overlayfs will write to it.
 * @param remap - The layers below are shown so. The new one is not: its files belong to the ids that made them. Alone it
 *   is bound with the map, and its top belongs to root as any layer's does.
 */
export async function makeLayer(
  directory: string,
  parent: string | undefined,
  writable: boolean,
  remap: Remap | undefined,
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
  const { uid, gid, mode } = await stat(below);
  await chown(upper, ...(remap?.owner(uid, gid) ?? ([uid, gid] as const)));
  copyXattrs(below, upper);
  await chmod(upper, mode & 0o7777);
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
