import type { CallOptions, Fault, TypedBytes } from '@stowage/core';

/**
 * One end of a stream of typed messages, which go both ways, each way in order. What they mean is between whoever opened
 * the stream and whoever was told its id.
 *
 * A stream ends well for a reader if the other end closed it; a stream that broke off, for whatever reason, is told as a
 * failure, so nobody takes a part for the whole. (containerd's own ends know no such difference in what they send: one
 * that fails closes all the same.)
 *
 * @see containerd core/streaming/streaming.go
 */
export interface Stream extends AsyncDisposable {
  readonly id: string;

  /**
   * Waits while the other end is more than a few messages behind.
   *
   * @throws Fault `failed_precondition` after {@link close}; `unavailable` or `canceled` if the other end has left; what
   *   either end gave {@link abort}.
   */
  send(message: TypedBytes, options?: CallOptions): Promise<void>;

  /**
   * The next message; undefined once the other end has closed and all was read. Not to be called again before it settles.
   *
   * @throws Fault as {@link send}; what either end gave {@link abort}.
   */
  receive(options?: CallOptions): Promise<TypedBytes | undefined>;

  /**
   * Says that no more is coming. The other end may go on sending, unless this is the end that was given by
   * `StreamManager.take`: its closing ends the whole stream on the wire.
   *
   * @returns once the other end has taken all that was sent, or has left.
   */
  close(options?: CallOptions): Promise<void>;

  /** Ends both ways at once, with a failure that the other end is told. What was not read is lost. */
  abort(reason: Fault): void;

  /** Leaves the stream: it is aborted with `canceled`, or, once closed, only no longer read. */
  [Symbol.asyncDispose](): Promise<void>;
}
