/**
 * Makes something that must not be left half-made: an abort is heeded once it is made, and undoes it.
 *
 * An aborted RPC tells its caller nothing of what the daemon did, or will still do. Waiting for the answer is the one
 * way to leave nothing behind.
 *
 * @throws the signal's reason.
 */
export async function whole<T>(
  signal: AbortSignal | undefined,
  make: () => Promise<T>,
  undo: (made: T) => Promise<unknown>,
): Promise<T> {
  signal?.throwIfAborted();
  const made = await make();
  if (signal?.aborted) {
    await undo(made);
    throw signal.reason;
  }
  return made;
}
