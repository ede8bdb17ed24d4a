import { Code, ConnectError, createConnectRouter, createContextValues } from '@connectrpc/connect';
import type { UniversalHandlerFn } from '@connectrpc/connect/protocol';
import { compressionGzip } from '@connectrpc/connect-node';
import type { Logger } from '@stowage/core';
import { type Edge, edgeKey } from '../edge.ts';
import type { RpcLimits } from '../limits.ts';
import { faultsToCodes, type Routes } from '../routes.ts';
import { isGoneError, type NodeRequest, type NodeResponse, webHeaders, writeHead } from './messages.ts';
import { respond } from './respond.ts';
import { withJson } from './transcode.ts';
import { unrouted, whyUnrouted } from './unrouted.ts';

export interface HandlerOptions {
  readonly routes: readonly Routes[];
  readonly limits: RpcLimits;
  readonly log: Logger;
  readonly shutdownSignal: AbortSignal;
}

/** Answers HTTP requests of either version with the services of the routes. Never throws. */
export function requestHandler(options: HandlerOptions): (req: NodeRequest, res: NodeResponse) => void {
  const { log } = options;
  const { handlers, services } = compile(options);
  return (req, res) => {
    const path = (req.url ?? '').split('?', 1)[0] ?? '';
    const handler =
      handlers.get(path) ??
      (async ({ header }) => unrouted(header.get('content-type') ?? '', whyUnrouted(path, services)));
    answer(handler, req, res, log).catch((e: unknown) => {
      if (!isGoneError(e) && !res.destroyed) log.error({ err: e, path }, 'answering an RPC failed');
      if (res.headersSent) res.destroy();
      else {
        writeHead(res, 500, undefined);
        res.end();
      }
    });
  };
}

function compile({ routes, limits, shutdownSignal }: HandlerOptions) {
  const router = createConnectRouter({
    shutdownSignal,
    readMaxBytes: limits.maxMessageBytes,
    writeMaxBytes: limits.maxMessageBytes,
    acceptCompression: [compressionGzip],
    // Nothing is ever compressed: between processes of one machine that costs more than it saves.
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    interceptors: [faultsToCodes],
  });
  for (const put of routes) put(router);
  const json = { maxMessageBytes: limits.maxMessageBytes, gzip: compressionGzip };
  const handlers = new Map<string, UniversalHandlerFn>();
  const services = new Set<string>();
  for (const handler of router.handlers) {
    if (handlers.has(handler.requestPath)) throw new Error(`two services answer ${handler.requestPath}`);
    handlers.set(handler.requestPath, withJson(handler, json));
    services.add(handler.service.typeName);
  }
  return { handlers, services };
}

async function answer(
  handler: UniversalHandlerFn,
  req: NodeRequest,
  res: NodeResponse,
  log: Logger,
): Promise<void> {
  const gone = new AbortController();
  res.once('close', () => gone.abort(new ConnectError('the client ended the call', Code.Canceled)));
  req.on('error', () => {}); // 'close' follows, and says all that matters
  res.on('error', () => {});
  const edge: Edge = {
    flushHeaders(header) {
      if (res.headersSent || res.destroyed) return;
      writeHead(res, 200, header);
      if ('flushHeaders' in res) res.flushHeaders(); // HTTP/2 has sent them by now
    },
    report: (method, err) => log.error({ err, method }, 'an RPC method failed with an unexpected error'),
  };
  const response = await handler({
    httpVersion: req.httpVersion,
    method: req.method ?? '',
    // Nothing reads the host, and what clients of unix sockets put there need not be one.
    url: `http://localhost${req.url}`,
    header: webHeaders(req.headers),
    body: bytesOf(req),
    signal: gone.signal,
    contextValues: createContextValues().set(edgeKey, edge),
  });
  await respond(response, res);
}

async function* bytesOf(req: NodeRequest): AsyncGenerator<Uint8Array> {
  for await (const chunk of req) yield chunk as Uint8Array;
}
