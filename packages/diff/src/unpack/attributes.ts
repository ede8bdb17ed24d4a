import { lchownSync } from 'node:fs';
import { hasCode, lutimes, setXattr, type XattrSubject } from '@stowage/linux';
import type { TarEntry } from '../tar/reader.ts';
import { bytesOf } from './names.ts';

/** Later times do not fit the kernel's nanoseconds in 64 bits; containerd puts them, and those before 1970, at 0. */
const MOST_NS = 2n ** 63n - 1n;

const bounded = (ns: bigint): bigint => (ns < 0n || ns > MOST_NS ? 0n : ns);

/** Sets times to the nanosecond, of a link itself if it is one. */
export function setTimes(path: string, { mtimeNs, atimeNs }: Pick<TarEntry, 'mtimeNs' | 'atimeNs'>): void {
  const mtime = bounded(mtimeNs);
  const atime = atimeNs === undefined ? mtime : bounded(atimeNs);
  lutimes(bytesOf(path), atime > mtime ? atime : mtime, mtime);
}

export function setOwner(path: string, { uid, gid }: TarEntry): void {
  lchownSync(bytesOf(path), uid, gid);
}

/**
 * `trusted.` attributes are the administrator's (xattr(7); containerd pkg/archive/tar_unix.go, setxattr): overlayfs writes
 * down whiteouts and moves in them, or in `user.overlay.`, which would hide or bring up other layers' files.
 */
const NOT_A_LAYERS = /^(?:trusted\.|user\.overlay\.)/;

/**
 * Sets an entry's extended attributes. After the owner and the content, both of which make the kernel drop
 * `security.capability`.
 */
export function setXattrs(subject: XattrSubject, { xattrs, kind }: TarEntry): void {
  for (const [name, value] of xattrs) {
    if (NOT_A_LAYERS.test(name)) continue;
    try {
      setXattr(subject, Buffer.from(name, 'latin1'), value);
    } catch (e) {
      // Filesystems that know no such attribute, and user.* of what is neither file nor directory (xattr(7)): the
      // layer is usable without (as containerd has it).
      if (hasCode(e, 'ENOTSUP', 'EOPNOTSUPP')) continue;
      if (hasCode(e, 'EPERM') && name.startsWith('user.') && kind !== 'file' && kind !== 'directory')
        continue;
      throw e;
    }
  }
}
