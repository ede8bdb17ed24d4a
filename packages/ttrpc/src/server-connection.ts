import type { Socket } from 'node:net';
import { fromBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { type Request, RequestSchema } from '@stowage/api/ttrpc';
import { Fault, type Logger } from '@stowage/core';
import { OpenCalls } from '@stowage/rpc/dispatch';
import { type Call, encodeStatus } from './call.ts';
import { encodeFrame, FRAME, type Frame, FrameError, FrameReader } from './frame.ts';

/** Answers that a client has not read yet; with more, no further requests are read from it. */
const MAX_BACKLOG_BYTES = 8 * 1024 * 1024;
/** Calls of one connection that may be open at once, held ones (Wait) included. */
const MAX_CALLS = 100_000;

/** One client. Whatever it sends, the worst that happens is that its connection is closed. */
export class ServerConnection {
  /** Settles once the socket is closed and every call was told. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #call: Call;
  readonly #log: Logger;
  readonly #calls = new OpenCalls();
  readonly #frames = new FrameReader();
  #lastId = 0;
  #open = 0;
  #ending = false;

  constructor(socket: Socket, call: Call, log: Logger) {
    this.#socket = socket;
    this.#call = call;
    this.#log = log;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('drain', () => socket.resume());
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
    if (this.#socket.writableLength > MAX_BACKLOG_BYTES) this.#socket.pause();
  }

  #take({ streamId, type, data }: Frame): void {
    if (type !== FRAME.request && type !== FRAME.data) return; // of a later version, or a server's
    const refuse = (code: Code, message: string) => this.#answer(streamId, encodeStatus(code, message));
    if (data === undefined) refuse(Code.ResourceExhausted, 'message is larger than ttrpc carries');
    else if (streamId % 2 !== 1) refuse(Code.InvalidArgument, 'stream ids of a client must be odd');
    else if (type === FRAME.data) refuse(Code.InvalidArgument, 'stream is not open');
    else if (streamId <= this.#lastId) refuse(Code.InvalidArgument, 'stream ids must increase');
    else {
      this.#lastId = streamId;
      if (this.#ending) refuse(Code.Unavailable, 'the server is shutting down');
      else if (this.#open >= MAX_CALLS) refuse(Code.ResourceExhausted, 'too many open calls');
      else this.#start(streamId, data);
    }
  }

  #start(streamId: number, data: Uint8Array): void {
    let request: Request;
    try {
      request = fromBinary(RequestSchema, data);
    } catch {
      this.#answer(streamId, encodeStatus(Code.InvalidArgument, 'malformed request'));
      return;
    }
    void this.#run(streamId, request);
  }

  async #run(streamId: number, request: Request): Promise<void> {
    const call = new AbortController();
    this.#open++;
    this.#calls.add(call);
    const response = await this.#call(request, call.signal);
    this.#calls.delete(call);
    this.#open--;
    this.#answer(streamId, response);
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
