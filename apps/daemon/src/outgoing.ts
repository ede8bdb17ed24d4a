import type { Interceptor } from '@connectrpc/connect';
import { type Tracer, traceCalls } from '@stowage/tracing';

/**
 * Around the calls that the daemon makes to processes of others: a part of the trace that they are because of. Connections
 * are made before it is known whether anything is traced.
 */
export class Outgoing {
  tracer: Tracer | undefined;
  readonly interceptors: readonly Interceptor[] = [traceCalls(() => this.tracer)];
}
