import { type Entry, file, symlink } from '../tar-writer.ts';

const old = (entry: Entry): Entry => ({ ...entry, mtime: 900_000_000 });

/** What is below the random layers: enough for their names to hit. No hard links, which overlays tear apart. */
export const baseTree = (canary: string): Entry[] =>
  [
    { name: 'a', type: '5', mode: 0o750, uid: 5, gid: 6 },
    { ...file('a/f', 'below', 0o640), uid: 1000 },
    { ...file('a/g', 'setuid', 0o4755), uid: 1 },
    { name: 'a/sub', type: '5', mode: 0o2775 },
    file('a/sub/x', 'deep'),
    { name: 'a/sub/empty', type: '5', mode: 0o700 },
    { ...file('b', 'b'), pax: { 'SCHILY.xattr.user.below': '1' } },
    symlink('a', 'c'),
    symlink(`${canary}/etc`, 'd'),
    symlink('/etc', 'e'),
    symlink('nowhere/deep', 'dead'),
    { name: 'etc', type: '5', mode: 0o755 },
    file('etc/passwd', 'inside', 0o600),
    { name: 'p', type: '6', mode: 0o622 },
    symlink(canary, 'out'),
    symlink('..', 'up'),
    { name: 'x', type: '5', mode: 0o755 },
    symlink('../..', 'x/up'),
  ].map((entry) => old(entry as Entry));
