import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readCount, readFlat } from './cgroup-files.ts';
import { hasCode } from './errors.ts';

export interface HugetlbStats {
  /** `2MB`, `1GB`. */
  readonly pageSize: string;
  readonly usage: bigint;
  /** v1: the most it ever was. v2: the limit, undefined for none. */
  readonly max: bigint | undefined;
  /** How often the limit was met. */
  readonly failcnt: bigint;
}

/** Usage by page size. Empty without the controller. */
export async function readHugetlb(
  directory: string | undefined,
  version: 'v1' | 'v2',
): Promise<HugetlbStats[]> {
  if (directory === undefined) return [];
  const usageFile = version === 'v1' ? /^hugetlb\.(\w+)\.usage_in_bytes$/ : /^hugetlb\.(\w+)\.current$/;
  const sizes = (await names(directory)).flatMap((name) => usageFile.exec(name)?.[1] ?? []);
  const stats = await Promise.all(sizes.map((pageSize) => one(directory, pageSize, version)));
  return stats.filter((stat) => stat !== undefined);
}

async function one(
  directory: string,
  pageSize: string,
  version: 'v1' | 'v2',
): Promise<HugetlbStats | undefined> {
  const file = (name: string) => join(directory, `hugetlb.${pageSize}.${name}`);
  const [usage, max, failcnt] =
    version === 'v1'
      ? await Promise.all([
          readCount(file('usage_in_bytes')),
          readCount(file('max_usage_in_bytes')),
          readCount(file('failcnt')),
        ])
      : await Promise.all([
          readCount(file('current')),
          readCount(file('max')),
          readFlat(file('events')).then((events) => events?.max),
        ]);
  return usage === undefined ? undefined : { pageSize, usage, max, failcnt: failcnt ?? 0n };
}

async function names(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ENODEV')) return [];
    throw e;
  }
}
