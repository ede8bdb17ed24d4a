import { rooted } from '../../src/unpack/names.ts';
import type { Plan } from './plan.ts';
import type { Thing, Tree } from './tree.ts';

/** Why a plan can't be compared with another program, or undefined if it can. */
export type Reason = string | undefined;

const goesUp = (name: string): boolean =>
  /(?:^|\/)[^/]+\/(?:.*\/)?\.\.(?:\/|$)/.test(name.replace(/^(?:\.{0,2}\/)+/, ''));
const path = (name: string): string => (name.includes('\0') ? '\0' : rooted(name));

/**
 * What GNU tar does otherwise than any applier of layers.
 *
 * It knows no whiteouts; where a name has `..` behind a link it goes where the kernel goes, while layers take names as
 * Go's filepath.Clean leaves them; the root's own owner and mode it sets.
 */
export function incomparableToGnuTar({ entries, damage }: Plan): Reason {
  if (damage.length > 0) return 'damaged: it goes on after what it cannot read';
  const directories = new Set<string>();
  for (const { kind, name, linkname } of entries) {
    const base = path(name).split('/').at(-1) ?? '';
    if (directories.has(base))
      return 'a directory, and something again: it gives that what the first entry says';
    if (kind === 'directory') directories.add(base);
    if (name.includes('\0') || linkname.includes('\0')) return 'a NUL: it cuts the name there';
    if (kind === 'whiteout' || kind === 'opaque') return 'whiteouts: it has none';
    if (
      path(name)
        .split('/')
        .some((part) => part.startsWith('.wh.'))
    )
      return 'whiteouts: it has none';
    if (path(name) === '/') return 'the root: it sets its owner and mode';
    if (goesUp(name) || (kind === 'hardlink' && goesUp(linkname))) return 'dot-dot behind a name';
  }
  return undefined;
}

/** What containerd 1.6 does otherwise, told by the archive. */
export function incomparableToContainerd({ entries, damage }: Plan): Reason {
  if (damage.some(({ how }) => how === 'packed')) return 'damaged compression: it gets the archive without';
  const named = new Set<string>();
  for (const { kind, name, linkname } of entries) {
    const parts = path(name).split('/');
    const base = parts.at(-1) ?? '';
    if (path(name) === '/' && kind !== 'directory') return 'the root as a link or file: it skips the entry';
    if (kind === 'opaque' && named.size > 0)
      return 'opaque whiteouts: it removes what the layer only implied';
    if (kind === 'whiteout' && named.has(base.slice('.wh.'.length)))
      return 'whiteouts of what the layer brought';
    for (const part of [...parts, ...linkname.split('/')]) named.add(part);
  }
  return undefined;
}

/** A tree as far as others can be asked to agree. */
const changed = (tree: Tree, change: (thing: Thing) => Thing): Tree =>
  new Map([...tree].map(([at, thing]) => [at, change(thing)]));

/**
 * GNU tar sets `trusted.` attributes; of a directory with two entries it sets only the last one's; and a new directory
 * inherits setgid from the one it is in, whatever its entry says. Setgid of that it sets last, so that a directory which the
 * archive only implies does not get its group.
 */
export const asGnuTarHasIt = (tree: Tree): Tree =>
  changed(tree, (thing) =>
    thing.type === 'directory'
      ? {
          ...thing,
          xattrs: [],
          mode: (Number.parseInt(thing.mode, 8) & ~0o2000).toString(8),
          owner: thing.time === 'now' ? '' : thing.owner,
        }
      : { ...thing, xattrs: thing.xattrs.filter((xattr) => !xattr.startsWith('trusted.')) },
  );

/**
 * containerd gives the file that a hard link names the owner, mode and times of the link's header; we leave the file as
 * its own entry made it. It sets the times of directories at the end by name: where something else has taken the name,
 * its, and where a link has, those of what the link leads to.
 */
export function asContainerdHasIt({ entries }: Plan, tree: Tree): Tree {
  const firstDirectory = entries.findIndex(({ kind }) => kind === 'directory');
  const hasTakenNames =
    firstDirectory >= 0 && entries.slice(firstDirectory).some((e) => e.kind !== 'directory');
  const hasHardlink = entries.some(({ kind }) => kind === 'hardlink');
  return changed(tree, (thing) => {
    const timed = hasTakenNames ? { ...thing, time: '' } : thing;
    if (!hasHardlink || thing.type === 'directory') return timed;
    const xattrs = thing.xattrs.filter((xattr) => !xattr.startsWith('security.capability='));
    return { ...timed, mode: '', owner: '', time: '', xattrs };
  });
}

interface Known {
  readonly message: RegExp;
  readonly why: string;
}

/** Refusals of containerd's that are not ours. */
const CONTAINERDS_OWN: readonly Known[] = [
  {
    message: /: link \S+ \S+: operation not permitted/,
    why: 'a hard link to a link, with a slash behind its name',
  },
  { message: /: lstat \S+: not a directory/, why: 'a file has taken the name of a directory above another' },
  { message: /: link (\S+) \1: no such file/, why: 'a hard link to itself: it removes the file first' },
  { message: /UtimesNanoAt/, why: 'a link to nothing has taken the name of a directory' },
  { message: /too many (?:links|levels)/, why: 'a link to itself has taken the name of a directory' },
];

/** Refusals of ours that are not containerd's. */
const OURS_ALONE: readonly Known[] = [
  { message: /ends within an entry|ends after an extended header/, why: 'cut off behind an extended header' },
];

export const isContainerdsOwnRefusal = (message: string): boolean =>
  CONTAINERDS_OWN.some((known) => known.message.test(message));

export const isOurOwnRefusal = (message: string): boolean =>
  OURS_ALONE.some((known) => known.message.test(message));
