import { Fault } from './fault.ts';

/**
 * What a call gives, or undefined where it found that what it is about is not there, or not any more.
 *
 * @throws what the call throws, unless that is a Fault `not_found`.
 */
export async function unlessGone<T>(call: PromiseLike<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (e) {
    if (Fault.is(e, 'not_found')) return undefined;
    throw e;
  }
}
