import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Headers as the web has them. Values that no Headers object can hold are left out. */
export function webHeaders(headers: IncomingHttpHeaders): Headers {
  const web = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      try {
        web.append(name, one);
      } catch {
        // Not a name or value of HTTP's; nobody here can have asked for it.
      }
    }
  }
  return web;
}

export function nodeHeaders(headers: Headers | undefined): OutgoingHttpHeaders {
  const node: OutgoingHttpHeaders = Object.create(null);
  headers?.forEach((value, name) => {
    node[name] = value;
  });
  return node;
}

/** Both kinds of response have these, but TypeScript finds no common signature for them. */
export function writeHead(response: NodeResponse, status: number, headers: Headers | undefined): void {
  (response as ServerResponse).writeHead(status, nodeHeaders(headers));
}

export function end(response: NodeResponse, data?: Uint8Array): void {
  if (data === undefined) response.end();
  else (response as ServerResponse).end(data);
}

/** Writes, and waits until there is room for more. Rejects once nobody will read it. */
export async function write(response: NodeResponse, data: Uint8Array): Promise<void> {
  if (isGone(response)) throw goneError();
  if ((response as ServerResponse).write(data)) return;
  await new Promise<void>((settle, fail) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      if (isGone(response)) fail(goneError());
      else settle();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

function isGone(response: NodeResponse): boolean {
  if (response.destroyed || response.writableEnded) return true;
  return 'stream' in response && (response.stream?.destroyed ?? true);
}

const GONE = 'ERR_STOWAGE_PEER_GONE';

/** Tells that nobody is there any more to answer. */
export function goneError(): Error {
  return Object.assign(new Error('the client has gone'), { code: GONE });
}

export function isGoneError(e: unknown): boolean {
  return (e as { code?: unknown } | null | undefined)?.code === GONE;
}
