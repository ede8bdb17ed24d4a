import type { Socket } from 'node:net';
import { fromBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { type Request, RequestSchema } from '@stowage/api/ttrpc';
import { Fault, type Logger } from '@stowage/core';
import { OpenCalls } from '@stowage/rpc/dispatch';
import type { FindMethod } from './call.ts';
import { encodeFrame, FRAME, type Frame, FrameError, FrameReader } from './frame.ts';
import { ReadGate } from './read-gate.ts';
import { encodeStatus } from './response.ts';
import { ServerCall } from './server-call.ts';

/** Answers that a client has not read yet; with more, no further requests are read from it. */
const MAX_BACKLOG_BYTES = 8 * 1024 * 1024;
/** Calls of one connection that may be open at once, held ones (Wait) included. */
const MAX_CALLS = 100_000;

/** One client. Whatever it sends, the worst that happens is that its connection is closed. */
export class ServerConnection {
  /** Settles once the socket is closed and every call was told. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #find: FindMethod;
  readonly #log: Logger;
  readonly #gate: ReadGate;
  readonly #calls = new OpenCalls();
  /** The open calls, by the ids of their streams. */
  readonly #streams = new Map<number, ServerCall>();
  readonly #frames = new FrameReader();
  #lastId = 0;
  #open = 0;
  #ending = false;

  constructor(socket: Socket, find: FindMethod, log: Logger) {
    this.#socket = socket;
    this.#find = find;
    this.#log = log;
    this.#gate = new ReadGate(socket);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('drain', () => this.#gate.go(this));
    socket.on('error', (err) => log.debug({ err }, 'a ttrpc connection failed'));
    socket.on('end', () => this.#calls.abort(new Fault('canceled', 'the client ended the connection')));
    socket.on('close', () => {
      this.#calls.abort(new Fault('canceled', 'the client ended the connection'));
      resolve();
    });
  }

  /** Ends all calls with the reason and the connection after their answers. */
  async shutdown(reason: Fault): Promise<void> {
    this.#ending = true;
    this.#calls.abort(reason);
    this.#endIfIdle();
    await this.closed;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    try {
      for (const frame of this.#frames.push(chunk)) this.#take(frame);
    } catch (err) {
      const id = err instanceof FrameError ? err.streamId : 0;
      this.#log.debug({ err }, 'a client does not speak ttrpc');
      this.#answer(id, encodeStatus(Code.ResourceExhausted, 'this is not ttrpc'));
      this.#socket.removeAllListeners('data').destroySoon();
    }
    if (this.#socket.writableLength > MAX_BACKLOG_BYTES) this.#gate.stop(this);
  }

  #take(frame: Frame): void {
    const { streamId, type, data } = frame;
    if (type !== FRAME.request && type !== FRAME.data) return; // of a later version, or a server's
    const refuse = (code: Code, message: string) => this.#answer(streamId, encodeStatus(code, message));
    if (type === FRAME.data && streamId % 2 === 1 && streamId <= this.#lastId) {
      // Of a stream that was answered: a client sends on until it knows.
      this.#streams.get(streamId)?.take(frame);
    } else if (data === undefined) refuse(Code.ResourceExhausted, 'message is larger than ttrpc carries');
    else if (streamId % 2 !== 1) refuse(Code.InvalidArgument, 'stream ids of a client must be odd');
    else if (type === FRAME.data) refuse(Code.InvalidArgument, 'stream is not open');
    else if (streamId <= this.#lastId) refuse(Code.InvalidArgument, 'stream ids must increase');
    else {
      this.#lastId = streamId;
      if (this.#ending) refuse(Code.Unavailable, 'the server is shutting down');
      else if (this.#open >= MAX_CALLS) refuse(Code.ResourceExhausted, 'too many open calls');
      else this.#start(frame, data);
    }
  }

  #start({ streamId, flags }: Frame, data: Uint8Array): void {
    let request: Request;
    try {
      request = fromBinary(RequestSchema, data);
    } catch {
      this.#answer(streamId, encodeStatus(Code.InvalidArgument, 'malformed request'));
      return;
    }
    const method = this.#find(request);
    const common = { socket: this.#socket, gate: this.#gate };
    const call = new ServerCall({ ...common, streamId, flags, request, method });
    this.#streams.set(streamId, call);
    void this.#run(streamId, call);
  }

  async #run(streamId: number, call: ServerCall): Promise<void> {
    this.#open++;
    this.#calls.add(call);
    await call.run();
    this.#calls.delete(call);
    this.#streams.delete(streamId);
    this.#open--;
    if (this.#ending) this.#endIfIdle();
  }

  #answer(streamId: number, response: Uint8Array): void {
    if (!this.#socket.writable) return;
    this.#socket.write(encodeFrame(streamId, FRAME.response, 0, response));
  }

  #endIfIdle(): void {
    if (this.#open === 0) this.#socket.destroySoon();
  }
}
