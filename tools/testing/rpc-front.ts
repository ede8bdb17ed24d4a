import {
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { connect } from 'node:net';

/** A call as it was on the wire. */
export interface RpcCall {
  /** `Write` of `/containerd.services.content.v1.Content/Write`. */
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/** Stands before a gRPC server's socket, passes every call on and writes down what its headers were. */
export interface RpcFront extends AsyncDisposable {
  readonly path: string;
  readonly calls: readonly RpcCall[];
  /** Those of one method. */
  of(method: string): RpcCall[];
  /** Told of each call as it begins, with how to cut all connections. */
  onCall: (method: string, cut: () => void) => void;
}

/** @param to - the socket of the server, which may come and go. */
export async function startRpcFront(path: string, to: string): Promise<RpcFront> {
  const calls: RpcCall[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  const cut = () => {
    for (const session of sessions) session.destroy();
  };
  const front: RpcFront = {
    path,
    calls,
    of: (method) => calls.filter((call) => call.method === method),
    onCall: () => undefined,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('session', (session) => {
    sessions.add(session);
    const far = connectHttp2('http://localhost', { createConnection: () => connect(to) });
    far.on('error', () => session.destroy());
    far.on('close', () => session.destroy());
    session.on('error', () => undefined);
    session.on('close', () => {
      sessions.delete(session);
      far.destroy();
    });
    session.on('stream', (near: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const method = String(headers[':path']).split('/').at(-1) ?? '';
      calls.push({ method, headers });
      front.onCall(method, cut);
      if (!near.destroyed && !far.destroyed) pass(near, far.request(headers));
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return front;
}

function pass(near: ServerHttp2Stream, far: ClientHttp2Stream): void {
  let trailers: IncomingHttpHeaders = {};
  far.on('trailers', (received) => {
    trailers = received;
  });
  far.on('response', (headers, flags) => {
    if (near.destroyed) return;
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) near.respond(headers, { endStream: true });
    else near.respond(headers, { waitForTrailers: true });
    far.pipe(near);
  });
  near.on('wantTrailers', () => near.sendTrailers(trailers));
  near.pipe(far);
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => undefined);
    one.on('close', () => {
      if (!other.closed && one.rstCode !== constants.NGHTTP2_NO_ERROR) other.close(one.rstCode);
    });
  }
}
