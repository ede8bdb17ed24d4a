import path from 'node:path';
import { describe, test } from '@jest/globals';
import type { ContentStore } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { contentRoutes } from '@stowage/content/service';
import { contentConformance } from '@stowage/content-conformance';
import { LocalContentStore } from '@stowage/content-store';
import { listen } from '@stowage/rpc/server';
import { memoryTransport, unixTransport } from '@stowage/rpc/transport';

const runner = { describe, test, skip: test.skip };
const scope = { namespace: 'test' };

contentConformance(
  {
    name: 'remote in memory',
    capabilities: new Set(['reopen']),
    async open(root) {
      const local = await LocalContentStore.open(root);
      const store = remoteContent(memoryTransport(contentRoutes(() => local)), scope);
      return disposing(store, () => local[Symbol.asyncDispose]());
    },
  },
  runner,
);

contentConformance(
  {
    name: 'remote over a unix socket',
    capabilities: new Set(['reopen']),
    async open(root) {
      const local = await LocalContentStore.open(root);
      const address = { path: path.join(root, 'sock') };
      const server = await listen({ address, routes: [contentRoutes(() => local)] });
      const transport = unixTransport(address.path);
      return disposing(remoteContent(transport, scope), async () => {
        await transport[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
        await local[Symbol.asyncDispose]();
      });
    },
  },
  runner,
);

function disposing(store: ContentStore, dispose: () => Promise<void>): ContentStore & AsyncDisposable {
  return { ...store, [Symbol.asyncDispose]: dispose };
}
