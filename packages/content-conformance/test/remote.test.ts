import path from 'node:path';
import type { Transport } from '@connectrpc/connect';
import { describe, test } from '@jest/globals';
import { remoteContent, remoteVerifier } from '@stowage/content/remote';
import { contentRoutes, verificationRoutes } from '@stowage/content/service';
import { contentConformance, damageIn, type OpenStore } from '@stowage/content-conformance';
import { LocalContentStore } from '@stowage/content-store';
import type { Routes } from '@stowage/rpc';
import { listen } from '@stowage/rpc/server';
import { memoryTransport, unixTransport } from '@stowage/rpc/transport';

const runner = { describe, test, skip: test.skip };
const scope = { namespace: 'test' };

contentConformance(
  {
    name: 'remote in memory',
    capabilities: new Set(['reopen', 'verify']),
    async open(root) {
      const local = await LocalContentStore.open(root);
      return reached(memoryTransport(routesOf(local)), root, () => local[Symbol.asyncDispose]());
    },
  },
  runner,
);

contentConformance(
  {
    name: 'remote over a unix socket',
    capabilities: new Set(['reopen', 'verify']),
    async open(root) {
      const local = await LocalContentStore.open(root);
      const address = { path: path.join(root, 'sock') };
      const server = await listen({ address, routes: routesOf(local) });
      const transport = unixTransport(address.path);
      return reached(transport, root, async () => {
        await transport[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
        await local[Symbol.asyncDispose]();
      });
    },
  },
  runner,
);

function routesOf(local: LocalContentStore): Routes[] {
  return [contentRoutes(() => local), verificationRoutes(() => local)];
}

function reached(transport: Transport, root: string, dispose: () => Promise<void>): OpenStore {
  return {
    ...remoteContent(transport, scope),
    verifier: remoteVerifier(transport, scope),
    damage: damageIn(root),
    [Symbol.asyncDispose]: dispose,
  };
}
