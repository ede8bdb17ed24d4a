import { errnoOf } from './fault.ts';

/**
 * What work on a file gives, or undefined where that, or a directory on the way to it, is not there.
 *
 * @throws what the work throws, unless that is ENOENT.
 */
export async function unlessAbsent<T>(work: PromiseLike<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return undefined;
    throw e;
  }
}
