import { connect } from 'node:net';
import { dialFault, socketPath } from '../unix-socket.ts';
import { type ClosableTransport, type TransportOptions, transportTo } from './dial.ts';

/**
 * Speaks gRPC to a unix socket. Connects at the first call, and anew at the first call after a connection was lost.
 * An idle connection does not keep the process alive.
 *
 * Calls fail with `unavailable` while nobody answers at the path, and if the connection is lost while they are under way;
 * the message names it.
 */
export function unixTransport(address: string, options: TransportOptions = {}): ClosableTransport {
  const path = socketPath(address);
  const place = {
    ...{ name: path, baseUrl: 'http://localhost' },
    dial: () => connect({ path }),
    explain: (e: unknown) => dialFault(path, e),
  };
  return transportTo(place, options);
}
