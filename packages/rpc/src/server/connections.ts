import { createServer as createHttp1Server, type Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Logger } from '@stowage/core';
import type { TakeCall } from '../grpc/direct-calls.ts';
import type { RpcLimits } from '../limits.ts';
import type { NodeRequest, NodeResponse } from './messages.ts';
import { sniff } from './sniff.ts';

/** Longest that a client may be connected before it says which protocol it speaks. */
const SNIFF_MS = 30_000;

export interface ConnectionsOptions {
  readonly handler: (req: NodeRequest, res: NodeResponse) => void;
  /** Asked first, for calls over HTTP/2. */
  readonly takeCall: TakeCall;
  readonly limits: RpcLimits;
  readonly log: Logger;
}

/** Open connections of a server, of both versions of HTTP. No error of one of them reaches the process. */
export class Connections {
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #http1: Server;
  readonly #http2: Http2Server;
  readonly #log: Logger;
  #closing = false;

  constructor({ handler, takeCall, limits, log }: ConnectionsOptions) {
    this.#log = log;
    this.#http1 = createHttp1Server({ maxHeaderSize: limits.maxHeaderBytes }, handler);
    this.#http1.on('clientError', (err, socket) => {
      log.debug({ err }, 'not HTTP');
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
      else socket.destroy();
    });
    this.#http1.emit('listening'); // starts its clock for headers that do not come
    this.#http2 = createHttp2Server({
      maxSessionMemory: limits.maxSessionMemoryMib,
      streamResetBurst: limits.streamResetBurst,
      streamResetRate: limits.streamResetRate,
      settings: {
        maxConcurrentStreams: limits.maxConcurrentStreams,
        maxHeaderListSize: limits.maxHeaderBytes,
        initialWindowSize: limits.streamWindowBytes,
        enablePush: false,
      },
    });
    // Never listens: it makes requests and responses out of streams, which a direct call does without.
    const requests = createHttp2Server(handler);
    this.#http2.on('stream', (stream, headers, ...more) => {
      if (!takeCall(stream, headers)) requests.emit('stream', stream, headers, ...more);
    });
    this.#http2.on('session', (session) => this.#session(session, limits));
    this.#http2.on('sessionError', (err) => log.debug({ err }, 'an HTTP/2 connection failed'));
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** @param version - of HTTP, where that is known; else its first bytes tell. */
  add(socket: Socket, version?: 1 | 2): void {
    if (this.#closing) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on('error', (err) => this.#log.debug({ err }, 'a connection failed'));
    socket.once('close', () => this.#sockets.delete(socket));
    if (version !== undefined) {
      this.#serve(socket, version);
      return;
    }
    const timer = setTimeout(() => socket.destroy(), SNIFF_MS).unref();
    socket.once('close', () => clearTimeout(timer));
    sniff(socket, (found) => {
      clearTimeout(timer);
      this.#serve(socket, found);
    });
  }

  #serve(socket: Socket, version: 1 | 2): void {
    (version === 2 ? this.#http2 : this.#http1).emit('connection', socket);
  }

  /** Lets open calls end for as long as `graceMs`, then ends all connections. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#http1.close(() => {}); // closes idle connections, and the others after their response
    for (const session of this.#sessions) session.close();
    const closed = [...this.#sockets].map(
      (socket) => new Promise<void>((settle) => socket.once('close', () => settle())),
    );
    const timer = setTimeout(() => this.#destroy(), graceMs);
    await Promise.all(closed);
    clearTimeout(timer);
  }

  #destroy(): void {
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #session(session: ServerHttp2Session, limits: RpcLimits): void {
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    session.on('error', (err) => this.#log.debug({ err }, 'an HTTP/2 connection failed'));
    session.setLocalWindowSize(limits.sessionWindowBytes);
  }
}
