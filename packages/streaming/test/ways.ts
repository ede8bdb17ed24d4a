import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope, Scoped } from '@stowage/core';
import { serveSocket } from '@stowage/rpc/serve';
import { memoryTransport, unixTransport } from '@stowage/rpc/transport';
import type { Streams } from '@stowage/streaming';
import { type LocalStreams, localStreams } from '@stowage/streaming/local';
import { remoteStreams } from '@stowage/streaming/remote';
import { streamingRoutes } from '@stowage/streaming/service';

/** Streams reached in one of the ways there are, and the manager behind them. */
export interface Reached extends AsyncDisposable {
  readonly streams: Scoped<Streams>;
  readonly manager: LocalStreams;
}

export const ways: ReadonlyArray<[string, () => Promise<Reached>]> = [
  ['in process', inProcess],
  ['over Connect', overConnect],
  ['over a socket', overSocket],
];

async function inProcess(): Promise<Reached> {
  const manager = localStreams();
  return { streams: manager, manager, [Symbol.asyncDispose]: () => manager[Symbol.asyncDispose]() };
}

async function overConnect(): Promise<Reached> {
  const manager = localStreams();
  const transport = memoryTransport(streamingRoutes(manager));
  const streams = (scope: Scope) => remoteStreams(transport, scope);
  return { streams, manager, [Symbol.asyncDispose]: () => manager[Symbol.asyncDispose]() };
}

export async function overSocket(): Promise<Reached & { readonly path: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'stowage-streams-'));
  const manager = localStreams();
  const server = await serveSocket([streamingRoutes(manager)], { socket: join(dir, 's.sock') });
  const transport = unixTransport(server.path);
  return {
    path: server.path,
    streams: (scope) => remoteStreams(transport, scope),
    manager,
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      await server.close();
      await manager[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    },
  };
}

/** Polls until something is so. */
export async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`waited for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
