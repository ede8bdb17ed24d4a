import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '@stowage/core';
import type { Routes } from '../src/index.ts';
import { type ListenOptions, listen } from '../src/server.ts';
import { unixTransport } from '../src/transport.ts';

export async function tempDir() {
  const path = await mkdtemp(join(tmpdir(), 'rpc-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export function memoryLog() {
  const lines: Array<{ level: string; fields: object; message: string }> = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { log, lines };
}

/** A server on a socket of its own and a transport to it. */
export async function serve(routes: readonly Routes[], options: Partial<ListenOptions> = {}) {
  const dir = await tempDir();
  const path = join(dir.path, 's.sock');
  const { log, lines } = memoryLog();
  const server = await listen({ address: { path }, routes, log, ...options });
  const transport = unixTransport(path);
  return {
    dir: dir.path,
    path,
    server,
    transport,
    lines,
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      await server.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}
