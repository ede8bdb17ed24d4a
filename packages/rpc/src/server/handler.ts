import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalHandlerFn } from '@connectrpc/connect/protocol';
import type { Logger } from '@stowage/core';
import { callValues, type Dispatch } from '../dispatch.ts';
import type { OpenCalls } from '../open-calls.ts';
import { isGoneError, type NodeRequest, type NodeResponse, webHeaders, writeHead } from './messages.ts';
import { respond } from './respond.ts';
import { withJson } from './transcode.ts';
import { readOut, stopSending } from './unread.ts';
import { unrouted } from './unrouted.ts';

export interface HandlerOptions {
  readonly dispatch: Dispatch;
  readonly maxMessageBytes: number;
  readonly log: Logger;
  readonly calls: OpenCalls;
}

/** Answers HTTP requests of either version with the services of the routes. Never throws. */
export function requestHandler(options: HandlerOptions): (req: NodeRequest, res: NodeResponse) => void {
  const { log, maxMessageBytes, calls } = options;
  const { handlers, whyNot } = options.dispatch;
  const inJson = new Map([...handlers].map(([path, it]) => [path, withJson(it, maxMessageBytes)]));
  return (req, res) => {
    const path = (req.url ?? '').split('?', 1)[0] ?? '';
    const handler = inJson.get(path) ?? refuse(req, whyNot(path));
    answer(handler, req, res, log, calls).catch((e: unknown) => {
      if (!isGoneError(e) && !res.destroyed) log.error({ err: e, path }, 'answering an RPC failed');
      if (res.headersSent) res.destroy();
      else {
        writeHead(res, 500, undefined);
        res.end();
      }
    });
  };
}

function refuse(req: NodeRequest, why: string): UniversalHandlerFn {
  return async ({ header }) => {
    await readOut(req);
    return unrouted(header.get('content-type') ?? '', why);
  };
}

async function answer(
  handler: UniversalHandlerFn,
  req: NodeRequest,
  res: NodeResponse,
  log: Logger,
  calls: OpenCalls,
): Promise<void> {
  const call = new AbortController();
  let answered = false;
  calls.add(call);
  res.once('close', () => {
    calls.delete(call);
    if (!answered) call.abort(new ConnectError('the client ended the call', Code.Canceled));
  });
  req.on('error', () => {}); // 'close' follows, and says all that matters
  res.on('error', () => {});
  const flushHeaders = (header: Headers) => {
    if (res.headersSent || res.destroyed) return;
    writeHead(res, 200, header);
    if ('flushHeaders' in res) res.flushHeaders(); // HTTP/2 has sent them by now
  };
  const response = await handler({
    httpVersion: req.httpVersion,
    method: req.method ?? '',
    // Nothing reads the host, and what clients of unix sockets put there need not be one.
    url: `http://localhost${req.url}`,
    header: webHeaders(req.headers),
    body: bytesOf(req),
    signal: call.signal,
    contextValues: callValues(log, flushHeaders),
  });
  await respond(response, res);
  answered = true;
  stopSending(req, response.trailer !== undefined);
}

async function* bytesOf(req: NodeRequest): AsyncGenerator<Uint8Array> {
  // Leaving early must not destroy the request: its response is yet to be sent.
  for await (const chunk of req.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
}
