import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import { Exchange } from '@stowage/events/exchange';
import { remoteEvents } from '@stowage/events/remote';
import { eventsRoutes } from '@stowage/events/service';
import { Metadata } from '@stowage/metadata';
import { type MetadataServices, metadataConformance } from '@stowage/metadata-conformance';
import { listen } from '@stowage/rpc/server';
import { unixTransport } from '@stowage/rpc/transport';
import { remotely, routesOf } from './setting.ts';

const run = { describe, test, skip: test.skip };
const capabilities = new Set(['sandboxes', 'reopen'] as const);

metadataConformance(
  {
    name: 'in process',
    capabilities,
    async open(root): Promise<MetadataServices> {
      const events = new Exchange();
      const metadata = await Metadata.open(root, { events });
      return {
        events,
        namespaces: metadata.namespaces,
        scope: (scope) => metadata.scope(scope),
        [Symbol.asyncDispose]: () => metadata[Symbol.asyncDispose](),
      };
    },
  },
  run,
);

metadataConformance(
  {
    name: 'over a unix socket',
    capabilities,
    async open(root): Promise<MetadataServices> {
      const events = new Exchange();
      const metadata = await Metadata.open(join(root, 'metadata'), { events });
      const address = { path: join(root, 'sock') };
      const server = await listen({ address, routes: [...routesOf(metadata), eventsRoutes(events)] });
      const transport = unixTransport(address.path);
      return {
        events: remoteEvents(transport),
        ...remotely(transport),
        async [Symbol.asyncDispose]() {
          await transport[Symbol.asyncDispose]();
          await server[Symbol.asyncDispose]();
          await metadata[Symbol.asyncDispose]();
        },
      };
    },
  },
  run,
);
