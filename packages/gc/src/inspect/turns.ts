/** Steps between which others get their turn. */
const STEPS = 500;

/**
 * Counts the steps of long work, lets others have their turn every so often, and ends it when the signal fires.
 *
 * @returns what to call, and wait for, at each step.
 */
export function turns(signal: AbortSignal | undefined): () => Promise<void> | undefined {
  let steps = 0;
  return () => {
    steps += 1;
    if (steps % STEPS !== 0) return undefined;
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => signal?.throwIfAborted());
  };
}
