import { type ContextKey, createContextKey } from '@connectrpc/connect';

/** What a server lets the code around a method do. Absent on in-memory transports. */
export interface Edge {
  /** Sends the response headers now, so that a subscriber knows that the method has begun. */
  flushHeaders(header: Headers): void;
  /** A method threw what is not a Fault: a bug. The client is told `internal` and nothing else. */
  report(method: string, error: unknown): void;
}

export const edgeKey: ContextKey<Edge | undefined> = createContextKey<Edge | undefined>(undefined, {
  description: 'stowage rpc edge',
});
