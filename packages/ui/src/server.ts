import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Transport } from '@connectrpc/connect';
import { GarbageCollection } from '@stowage/api/gc/v1';
import { files as contract } from '@stowage/api/registry';
import { Client } from '@stowage/client';
import { errnoOf, Fault, type Logger, type Scope, type Scoped, silentLogger } from '@stowage/core';
import { garbageRoutes } from '@stowage/gc/service';
import { forwardRoutes } from '@stowage/rpc/forward';
import { httpCalls } from '@stowage/rpc/http';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ContainerActions } from './actions.ts';
import { authority, type ListenAddress } from './address.ts';
import { runTerminal } from './exec-socket.ts';
import { PageFiles, SAFETY } from './files.ts';
import { Guard, type Refusal } from './guard.ts';
import { HostCalls } from './host-calls.ts';
import { sendLog } from './log-socket.ts';
import { serveSocket } from './web-socket.ts';

export interface UiOptions {
  /** To the daemon, or an engine's. It stays the caller's. */
  readonly transport: Transport;
  /** Default: a free port of 127.0.0.1. */
  readonly listen?: ListenAddress | undefined;
  /** Directory of the page's files. */
  readonly files: URL;
  readonly containers: Scoped<ContainerActions>;
  /** What the page shows first. */
  readonly namespace: string;
  readonly log?: Logger | undefined;
}

/** A page that is being served, until it is disposed. Programs that were started in terminals of it end then. */
export interface UiServer extends AsyncDisposable {
  /** With a token in it: whoever has it may do all that the daemon's socket allows. */
  readonly url: string;
}

/** A page has few connections; each of them may hold so much that was not read yet. */
const MOST_SOCKET_BYTES = 64 * 1024;

const SOCKETS: Readonly<Record<string, typeof runTerminal>> = {
  '/host/exec': runTerminal,
  '/host/logs': sendLog,
};

/**
 * Serves the page over HTTP, and to it the daemon's services by Connect.
 *
 * @throws Fault `unavailable` if the address can't be listened at.
 */
export async function serveUi(options: UiOptions): Promise<UiServer> {
  const { transport, containers, namespace, log = silentLogger } = options;
  const address = options.listen ?? { host: '127.0.0.1', port: 0 };
  const page = await PageFiles.read(options.files);
  const client = (scope: Scope) => new Client(transport, scope);
  const services = contract
    .flatMap((file) => file.services)
    .filter((service) => service !== GarbageCollection);
  const calls = httpCalls({
    routes: [
      forwardRoutes(services, transport),
      // Of containerd, as far as its services tell.
      garbageRoutes((scope) => client(scope).inspector()),
    ],
    log,
  });
  const host = new HostCalls({ client, containers, namespace, log });
  const server = createServer();
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MOST_SOCKET_BYTES,
    perMessageDeflate: false,
  });
  const working = new Set<Promise<void>>();
  const port = await listenAt(server, address);
  const guard = new Guard(port);

  server.on('request', (request, response) => {
    for (const [name, value] of Object.entries(SAFETY)) response.setHeader(name, value);
    const refusal = guard.refuseOrigin(request);
    if (refusal !== undefined) return refuse(response, refusal);
    const { pathname, searchParams } = urlOf(request);
    if (pathname === '/' && guard.isToken(searchParams.get('token'))) return welcome(response, guard);
    const stranger = guard.refuseStranger(request);
    if (stranger !== undefined) return refuse(response, stranger);
    if (request.method === 'POST' && pathname.startsWith('/host/'))
      return void host.answer(pathname.slice('/host/'.length), request, response);
    if (request.method === 'POST') return calls.answer(request, response);
    if (page.has(pathname) && (request.method === 'GET' || request.method === 'HEAD'))
      return page.send(pathname, request, response);
    response.writeHead(404, { 'content-type': 'text/plain' }).end('there is no such page\n');
  });

  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    const { pathname, searchParams } = urlOf(request);
    const work = Object.hasOwn(SOCKETS, pathname) ? SOCKETS[pathname] : undefined;
    const refusal = guard.refuseOrigin(request, true) ?? guard.refuseStranger(request);
    // It is gone then, which is all that it says.
    connection.on('error', () => undefined);
    if (refusal !== undefined || work === undefined) {
      connection.end(
        `HTTP/1.1 ${refusal?.status ?? 404} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
      return;
    }
    sockets.handleUpgrade(request, connection, head, (socket: WebSocket) => {
      const of = client({ namespace: searchParams.get('namespace') ?? namespace });
      const done = serveSocket(socket, (signal) => work(socket, of, searchParams, { signal }));
      working.add(done);
      void done.finally(() => working.delete(done));
    });
  });

  return {
    url: `http://${authority({ host: address.host, port })}/?token=${guard.token}`,
    async [Symbol.asyncDispose]() {
      calls[Symbol.dispose]();
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await Promise.all(working);
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function listenAt(server: ReturnType<typeof createServer>, address: ListenAddress): Promise<number> {
  try {
    server.listen(address.port, address.host);
    await once(server, 'listening');
  } catch (cause) {
    const why = errnoOf(cause) === 'EADDRINUSE' ? 'somebody listens there already' : String(errnoOf(cause));
    throw new Fault('unavailable', `listen at ${authority(address)}: ${why}`, { cause });
  }
  return (server.address() as AddressInfo).port;
}

/** What is no path leads nowhere. */
function urlOf({ url = '' }: IncomingMessage): URL {
  return URL.parse(url.startsWith('/') ? url : '', 'http://localhost') ?? new URL('http://localhost/none');
}

function refuse(response: ServerResponse, { status, reason }: Refusal): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${reason}\n`);
}

/**
 * Changes the token for a cookie, so that it stays in no history or screenshot. By a page that leads on and not by a
 * redirect: a browser that was led here from elsewhere, such as a file, would not send the cookie there.
 */
function welcome(response: ServerResponse, guard: Guard): void {
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' };
  response.writeHead(200, { ...headers, 'set-cookie': guard.cookie });
  response.end('<!doctype html><title>Stowage</title><meta http-equiv="refresh" content="0; url=/">\n');
}
