import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** One line of /proc/PID/mountinfo. See proc_pid_mountinfo(5). */
export interface MountInfo {
  readonly id: number;
  readonly parentId: number;
  readonly major: number;
  readonly minor: number;
  /** Which directory of its filesystem is mounted. */
  readonly root: string;
  /** Relative to the reading process's root. */
  readonly mountPoint: string;
  /** Of this mount: `rw`, `nodev`, ... */
  readonly options: readonly string[];
  /** `shared:N`, `master:N`, `propagate_from:N`, `unbindable`. Empty: private. */
  readonly propagation: readonly string[];
  readonly fsType: string;
  readonly source: string;
  /** Of the filesystem. */
  readonly superOptions: readonly string[];
}

/** Parses mountinfo; whoever mounted last at a path comes last. */
export function parseMountInfo(text: string): MountInfo[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
}

function parseLine(line: string): MountInfo {
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  const [id, parentId, device = '', root = '', mountPoint = '', options = ''] = fields;
  const [major, minor] = device.split(':');
  const [fsType = '', source = '', superOptions = ''] = fields.slice(dash + 1);
  return {
    id: Number(id),
    parentId: Number(parentId),
    major: Number(major),
    minor: Number(minor),
    root: decodeOctal(root),
    mountPoint: decodeOctal(mountPoint),
    options: options.split(','),
    propagation: fields.slice(6, dash),
    fsType: decodeOctal(fsType),
    source: decodeOctal(source),
    superOptions: superOptions.split(',').map(decodeOctal),
  };
}

/** The kernel writes space, tab, newline and backslash as octal. */
const decodeOctal = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** All mounts this process sees. */
export async function readMountInfo(): Promise<MountInfo[]> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** All mounts this thread sees, for workers with a mount namespace of their own. */
export function threadMountInfo(): MountInfo[] {
  return parseMountInfo(readFileSync('/proc/thread-self/mountinfo', 'utf8'));
}

/** Whether a mount lies at `path` or below. */
export const isWithin = (mountPoint: string, path: string): boolean =>
  mountPoint === path || mountPoint.startsWith(path === '/' ? '/' : `${path}/`);
