import { readFile, writeFile } from 'node:fs/promises';

const FILE = '/proc/self/oom_score_adj';
/** The lowest but one: what is killed last, yet not never. */
const SPARED = '-999';

/**
 * Has the kernel spare this process when memory runs out, as far as it may.
 *
 * @returns the score it had, which processes started by it should have; undefined if nothing was changed.
 */
export async function spareFromOom(): Promise<string | undefined> {
  try {
    const before = (await readFile(FILE, 'latin1')).trim();
    await writeFile(FILE, SPARED);
    return before;
  } catch {
    return undefined;
  }
}
