import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Scope } from '@stowage/core';
import type { Routes } from '@stowage/rpc';
import { memoryTransport } from '@stowage/rpc/transport';
import { serveUi } from '../src/index.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A page of one file, before services in memory. Containers fail to start, stop and be removed in their own way. */
export async function serve(routes: readonly Routes[]) {
  const dir = await mkdtemp(join(tmpdir(), 'ui-'));
  await writeFile(join(dir, 'index.html'), '<!doctype html><title>x</title>');
  await writeFile(join(dir, 'main.js'), 'export {};');
  await writeFile(join(dir, 'secret.txt'), 'none of the page');
  const done: string[] = [];
  const note =
    (what: string, { namespace }: Scope) =>
    async (id: string, options: object) =>
      void done.push(`${what} ${namespace}/${id}${'force' in options ? ` force ${options.force}` : ''}`);
  const server = await serveUi({
    transport: memoryTransport(routes),
    files: pathToFileURL(`${dir}/`),
    namespace: 'first',
    containers: (scope) => ({
      start: note('start', scope),
      stop: note('stop', scope),
      remove: note('remove', scope),
    }),
  });
  const url = new URL(server.url);
  const cookie = await cookieOf(url);
  /** As the page itself asks, but for what is told otherwise. */
  const asPage = ({ headers, ...more }: Asked) =>
    ask(url, { ...more, headers: { cookie, origin: url.origin, ...headers } });
  return {
    url,
    cookie,
    done,
    ask: (asked: Asked) => ask(url, asked),
    asPage,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    },
  };
}

async function cookieOf(url: URL): Promise<string> {
  const { headers } = await ask(url, { path: `/${url.search}` });
  return String(headers['set-cookie']).split(';')[0] ?? '';
}

/** Without what fetch sees to by itself, such as Host and Origin. */
async function ask(
  url: URL,
  { method = 'GET', path = '/', headers = {}, body = '' }: Asked,
): Promise<Answer> {
  const asking = request({ host: url.hostname, port: url.port, method, path, headers });
  asking.end(body);
  const [response] = await once(asking, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('latin1')) text += chunk;
  return { status: response.statusCode, headers: response.headers, body: text };
}
