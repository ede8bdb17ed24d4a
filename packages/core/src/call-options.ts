/** The last argument of every call that may take time. */
export interface CallOptions {
  /**
   * Gives the call up. A call that was given up rejects with the signal's reason, leaves no lock, handle or
   * half-made object behind, and may or may not have taken effect.
   */
  readonly signal?: AbortSignal | undefined;
}
