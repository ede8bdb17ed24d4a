import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Routes } from '@stowage/rpc';
import { type ServeTtrpcOptions, serveTtrpc, ttrpcTransport } from '../src/index.ts';

/** A server on a socket of its own and a transport to it. */
export async function serve(routes: readonly Routes[], options: Partial<ServeTtrpcOptions> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'ttrpc-'));
  const path = join(dir, 's');
  const server = await serveTtrpc({ path, routes, ...options });
  const transport = ttrpcTransport({ path });
  return {
    dir,
    path,
    server,
    transport,
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      await server.close();
      await rm(dir, { recursive: true });
    },
  };
}
