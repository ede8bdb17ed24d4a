import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { end, type NodeResponse, nodeHeaders, write, writeHead } from './messages.ts';

/**
 * Sends a response. What is there at the same time leaves at the same time: the last message takes the end of the
 * stream and the trailers along, which a client that reads by ranges notices (it resets fewer streams).
 *
 * Rejects if the client goes; the body is ended in any case.
 */
export async function respond(universal: UniversalServerResponse, response: NodeResponse): Promise<void> {
  const body = universal.body?.[Symbol.asyncIterator]();
  try {
    let chunk = await body?.next();
    if (chunk === undefined && universal.trailer === undefined && !response.headersSent) {
      // Not writeHead: the headers must carry the end of the stream, or a gRPC client misses its trailers.
      response.statusCode = universal.status;
      universal.header?.forEach((value, name) => void response.setHeader(name, value));
      end(response);
      return;
    }
    if (!response.headersSent) writeHead(response, universal.status, universal.header);
    while (body !== undefined && chunk !== undefined && chunk.done !== true) {
      const data = chunk.value;
      const next = body.next();
      next.catch(() => {}); // awaited below, unless writing fails first
      if (await isLast(next)) {
        trail(universal, response);
        end(response, data);
        return;
      }
      await write(response, data);
      chunk = await next;
    }
    trail(universal, response);
    end(response);
  } finally {
    // Not awaited: where the client has gone, the method may yet be busy.
    body?.return?.().catch(() => {});
  }
}

/** Whether the iteration is known to be over within this turn of the event loop. */
async function isLast(next: Promise<IteratorResult<Uint8Array>>): Promise<boolean> {
  let over = false;
  const turn = Promise.withResolvers<void>();
  const later = setImmediate(turn.resolve);
  next.then(
    ({ done }) => {
      over = done === true;
      turn.resolve();
    },
    () => turn.resolve(),
  );
  await turn.promise;
  clearImmediate(later);
  return over;
}

function trail({ trailer }: UniversalServerResponse, response: NodeResponse): void {
  if (trailer !== undefined) response.addTrailers(nodeHeaders(trailer) as Record<string, string>);
}
