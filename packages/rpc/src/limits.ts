/** How much one peer may ask of a server or a transport. */
export interface RpcLimits {
  /** Longest message each way, after decompression. containerd's, and its clients', is 16 MiB. */
  readonly maxMessageBytes: number;
  /** All headers of a request together. */
  readonly maxHeaderBytes: number;
  /** Open calls of one HTTP/2 connection; held Waits and subscriptions count. */
  readonly maxConcurrentStreams: number;
  /** Memory that HTTP/2 may hold for one connection, in MiB. */
  readonly maxSessionMemoryMib: number;
  /**
   * How many streams a client may cancel at once, and per second after that, before its connection is ended.
   * Honest Go clients cancel the stream of every read that they do not finish: Node's 1000 and 33 end them.
   */
  readonly streamResetBurst: number;
  readonly streamResetRate: number;
  /** Bytes that a peer may send ahead of their being read, for one stream and for all of a connection. */
  readonly streamWindowBytes: number;
  readonly sessionWindowBytes: number;
}

export const defaultLimits: RpcLimits = {
  maxMessageBytes: 16 * 1024 * 1024,
  maxHeaderBytes: 64 * 1024,
  maxConcurrentStreams: 100_000,
  maxSessionMemoryMib: 512,
  streamResetBurst: 100_000,
  streamResetRate: 100_000,
  streamWindowBytes: 1024 * 1024,
  sessionWindowBytes: 8 * 1024 * 1024,
};
