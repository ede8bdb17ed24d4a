import { createServer as createHttp, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net';

/** A server on loopback that remembers all that it was asked. */
export interface Server extends AsyncDisposable {
  readonly host: string;
  readonly origin: string;
  readonly log: readonly Asked[];
}

export interface Asked {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  /** The first of it. */
  body: string;
}

/** Answers the head of a request, as text, with whatever bytes it likes. */
export type RawAnswer = (socket: Socket, head: string, count: number) => void;

export interface ServerOptions {
  readonly address: string;
  readonly answer: RequestListener;
  readonly raw?: RawAnswer;
  readonly tls?: { readonly cert: string; readonly key: string };
}

const MAX_BODY = 4096;

export async function server({ address, answer, raw, tls }: ServerOptions): Promise<Server> {
  const log: Asked[] = [];
  const sockets = new Set<Socket>();
  const listener: RequestListener = (request, response) => {
    const asked: Asked = { line: `${request.method} ${request.url}`, headers: request.headers, body: '' };
    log.push(asked);
    request.on('data', (chunk: Buffer) => {
      if (asked.body.length < MAX_BODY) asked.body += chunk.toString('latin1', 0, MAX_BODY);
    });
    answer(request, response);
  };
  const onRaw = (socket: Socket) => {
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        log.push({ line: head.split(' HTTP/', 1)[0] ?? '', headers: {}, body: '' });
        raw?.(socket, head, log.length);
      }
    });
  };
  const created =
    raw !== undefined
      ? createTcp(onRaw)
      : tls === undefined
        ? createHttp(listener)
        : createHttps(tls, listener);
  created.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => created.listen(0, address, resolve));
  const host = `${address}:${(created.address() as AddressInfo).port}`;
  return {
    host,
    origin: `${tls === undefined ? 'http' : 'https'}://${host}`,
    log,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => created.close(resolve));
    },
  };
}
