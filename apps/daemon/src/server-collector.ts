import type { Collector, Sample } from '@stowage/metrics';
import type { RpcServer } from '@stowage/rpc/server';

/** What is served, by the name of the listener: `unix`, `tcp`. */
export type Servers = ReadonlyMap<string, Pick<RpcServer, 'load'>>;

/** How busy the daemon's listeners are. */
export function serverCollector(servers: Servers): Collector {
  const each = (value: (load: RpcServer['load']) => number) =>
    [...servers].map(([listener, { load }]): Sample => ({ labels: { listener }, value: value(load) }));
  return {
    name: 'server',
    collect: () => [
      {
        name: 'stowage_connections',
        help: 'Connections to the daemon, by listener.',
        type: 'gauge',
        samples: each(({ connections }) => connections),
      },
      {
        name: 'stowage_open_calls',
        help: 'Calls that are not answered yet, streams and long waits included, by listener.',
        type: 'gauge',
        samples: each(({ calls }) => calls),
      },
    ],
  };
}
