import type { Collector } from '@stowage/metrics';
import type { RpcServer } from '@stowage/rpc/server';

/** How busy the daemon's socket is. */
export function serverCollector(server: Pick<RpcServer, 'load'>): Collector {
  return {
    name: 'server',
    collect() {
      const { connections, calls } = server.load;
      return [
        {
          name: 'stowage_connections',
          help: 'Connections to the socket.',
          type: 'gauge',
          samples: [{ value: connections }],
        },
        {
          name: 'stowage_open_calls',
          help: 'Calls that are not answered yet, streams and long waits included.',
          type: 'gauge',
          samples: [{ value: calls }],
        },
      ];
    },
  };
}
