import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { getXattr, listXattrs } from '@stowage/linux';

/** What a tree holds, by path from its root, which is not in it itself. */
export type Tree = ReadonlyMap<string, Thing>;

export interface Thing {
  readonly type: string;
  /** Octal, with setuid, setgid and sticky bits. */
  readonly mode: string;
  readonly owner: string;
  /** Seconds, or `now`. */
  readonly time: string;
  /** Hash of a file's bytes, target of a link, number of a device, or the first name of a file with more of them. */
  readonly what: string;
  /** Names and hashes of values. */
  readonly xattrs: readonly string[];
}

/** Times in archives and base trees are older; what is newer was made on the way, and is only `now`. */
const LONG_AGO_NS = 1_600_000_000n * 1_000_000_000n;

/** Names are latin1, a character for a byte, so that none is lost. Attributes of overlays are left out. */
export function treeOf(root: string): Tree {
  const things = new Map<string, Thing>();
  const firstNames = new Map<string, string>();
  const visit = (path: string) => {
    const at = path === '' ? root : `${root}/${path}`;
    const names = readdirSync(Buffer.from(at, 'latin1'), { encoding: 'latin1' });
    for (const name of names.sort()) {
      const below = path === '' ? name : `${path}/${name}`;
      const bytes = Buffer.from(`${root}/${below}`, 'latin1');
      const stats = lstatSync(bytes, { bigint: true, throwIfNoEntry: false });
      // An overlay lists a whiteout where no lower layer has the directory, but has nothing there.
      if (stats === undefined) continue;
      const inode = `${stats.dev}:${stats.ino}`;
      const first = firstNames.get(inode);
      if (first !== undefined && !stats.isDirectory()) {
        const what = `one more name of ${JSON.stringify(first)}`;
        things.set(below, { type: 'link', mode: '', owner: '', time: '', what, xattrs: [] });
        continue;
      }
      firstNames.set(inode, below);
      things.set(below, {
        type: typeOf(stats.mode),
        mode: (stats.mode & 0o7777n).toString(8),
        owner: `${stats.uid}:${stats.gid}`,
        time: stats.mtimeNs < LONG_AGO_NS ? String(stats.mtimeNs / 1_000_000_000n) : 'now',
        what: whatOf(bytes, stats),
        xattrs: xattrsOf(bytes),
      });
      if (stats.isDirectory()) visit(below);
    }
  };
  visit('');
  return things;
}

function whatOf(path: Buffer, stats: BigIntStats): string {
  if (stats.isFile()) return hashOf(readFileSync(path));
  if (stats.isSymbolicLink()) return `-> ${readlinkSync(path, 'latin1')}`;
  return stats.isCharacterDevice() || stats.isBlockDevice() ? `device ${stats.rdev}` : '';
}

const TYPES = new Map([
  [0o10n, 'file'],
  [0o4n, 'directory'],
  [0o12n, 'symlink'],
  [0o1n, 'fifo'],
  [0o2n, 'char'],
  [0o6n, 'block'],
]);
const typeOf = (mode: bigint): string => TYPES.get(mode >> 12n) ?? 'other';

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

function xattrsOf(path: Buffer): string[] {
  return listXattrs(path)
    .filter((name) => !/^(?:trusted|user)\.overlay\./.test(name))
    .sort()
    .map((name) => `${name}=${hashOf(getXattr(path, name))}`);
}

/** Where two trees are not the same, at most `most` places; empty if they are. */
export function differenceOf(left: Tree, right: Tree, names: readonly [string, string], most = 5): string[] {
  const found: string[] = [];
  for (const path of [...new Set([...left.keys(), ...right.keys()])].sort()) {
    const [one, other] = [shown(left.get(path)), shown(right.get(path))];
    if (one !== other) found.push(`${JSON.stringify(path)}: ${names[0]} ${one}; ${names[1]} ${other}`);
    if (found.length === most) break;
  }
  return found;
}

const shown = (thing: Thing | undefined): string =>
  thing === undefined ? 'absent' : [...Object.values(thing).flat()].filter((part) => part !== '').join(' ');
