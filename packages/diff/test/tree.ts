import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { digestOf } from '@stowage/core';
import { getXattr, listXattrs } from '@stowage/linux';

/** A path of latin1 names below a directory, as the kernel takes it. */
export const at = (root: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);

/** Paths below a directory, latin1, parents first. */
export function pathsIn(root: string, below = ''): string[] {
  const entries = readdirSync(at(root, below), { encoding: 'latin1', withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    return entry.isDirectory() ? [path, ...pathsIn(root, path)] : [path];
  });
}

/** All of a tree that a layer can bring back: a line for each path, which of them are one file, and nothing of the root. */
export function portrait(root: string): Record<string, string> {
  const lines: Record<string, string> = {};
  const groups = new Map<string, string[]>();
  for (const path of pathsIn(root).sort()) {
    const place = at(root, path);
    const stats = lstatSync(place, { bigint: true });
    if (stats.isSocket()) continue;
    lines[path] = line(place, stats);
    if (stats.nlink === 1n || stats.isDirectory()) continue;
    const inode = `${stats.dev}:${stats.ino}`;
    groups.set(inode, [...(groups.get(inode) ?? []), path]);
  }
  for (const names of groups.values()) {
    if (names.length > 1) for (const name of names) lines[name] += ` is ${names.map(escape).join(' ')}`;
  }
  return lines;
}

function line(place: Buffer, stats: BigIntStats): string {
  const { mode, uid, gid, rdev, mtimeNs } = stats;
  const content = stats.isFile()
    ? digestOf(readFileSync(place))
    : stats.isSymbolicLink()
      ? readlinkSync(place, 'latin1')
      : stats.isCharacterDevice() || stats.isBlockDevice()
        ? rdev
        : '';
  return `${mode.toString(8)} ${uid}:${gid} ${mtimeNs} ${xattrs(place)} ${content}`;
}

function xattrs(place: Buffer): string {
  const names = listXattrs(place).filter((name) => /^(user\.|security\.capability)/.test(name));
  return names
    .sort()
    .map((name) => `${name}=${getXattr(place, name).toString('hex')}`)
    .join(',');
}
