import { readFile } from 'node:fs/promises';
import { hasCode } from './errors.ts';

/** The text of a cgroup file; undefined where the kernel, the controller or the cgroup has none. */
export async function readCgroupFile(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'latin1')).trim();
  } catch (e) {
    // EOPNOTSUPP and EINVAL: files of a controller that was compiled in and switched off.
    if (hasCode(e, 'ENOENT', 'ENOTDIR', 'ENODEV', 'EOPNOTSUPP', 'EINVAL')) return undefined;
    throw e;
  }
}

/** A file of one number. `max` is undefined, as is an absent file. */
export async function readCount(path: string): Promise<bigint | undefined> {
  const text = await readCgroupFile(path);
  return text === undefined ? undefined : parseCount(text);
}

export const parseCount = (text: string): bigint | undefined =>
  /^\d+$/.test(text) ? BigInt(text) : undefined;

/** Lines of `key value`. */
export function parseFlat(text: string): Record<string, bigint> {
  const entries: [string, bigint][] = [];
  for (const line of text.split('\n')) {
    const [key = '', value = ''] = line.split(' ');
    const count = parseCount(value);
    if (count !== undefined) entries.push([key, count]);
  }
  return Object.fromEntries(entries);
}

export async function readFlat(path: string): Promise<Record<string, bigint> | undefined> {
  const text = await readCgroupFile(path);
  return text === undefined ? undefined : parseFlat(text);
}
