/**
 * Rejects with the signal's reason as soon as it fires, else settles as `work` does. `work` itself is not
 * stopped, and its failure after that goes unheard; use it where the underlying call knows no signal.
 */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    // First in the race, so that an abort that has happened wins. The race also handles a later rejection of
    // `work`, which would otherwise end the process as an unhandled one.
    return await Promise.race([promise, work]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
