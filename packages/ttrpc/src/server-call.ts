import type { Socket } from 'node:net';
import { Code } from '@connectrpc/connect';
import type { Request } from '@stowage/api/ttrpc';
import { Fault } from '@stowage/core';
import { toConnect } from '@stowage/rpc';
import type { Method } from './call.ts';
import { drained } from './drained.ts';
import { encodeFrame, FLAG, FRAME, type Frame } from './frame.ts';
import { Inbox } from './inbox.ts';
import type { ReadGate } from './read-gate.ts';
import { encodeStatus } from './response.ts';

/** Bytes that may wait to be sent before streams wait. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
const NOTHING = new Uint8Array();

export interface ServerCallOptions {
  readonly socket: Socket;
  readonly gate: ReadGate;
  readonly streamId: number;
  readonly flags: number;
  readonly request: Request;
  readonly method: Method;
}

/** A call on the server, and its stream. */
export class ServerCall {
  readonly #options: ServerCallOptions;
  readonly #inbox: Inbox;
  readonly #stop = new AbortController();
  #isAnswered = false;

  constructor(options: ServerCallOptions) {
    this.#options = options;
    const { request, flags, method, gate } = options;
    this.#inbox = new Inbox(gate);
    // The first message of a stream may come in its request; an empty one there is none.
    if (!method.takesStream || request.payload.length > 0) this.#inbox.push(request.payload);
    if (!method.takesStream || (flags & FLAG.remoteOpen) === 0) this.#inbox.end();
  }

  /** Settles when the method has ended and its answer was given away. Never rejects. */
  async run(): Promise<void> {
    const { method, request } = this.#options;
    const messages = { received: this.#inbox, send: (message: Uint8Array) => this.#send(message) };
    const response = await method.run(request, messages, this.#stop.signal);
    // What the method left unread shall hold up nobody.
    this.#inbox.fail(new Fault('canceled', 'the call was answered'));
    if (response === undefined) this.#write(FRAME.data, FLAG.remoteClosed | FLAG.noData, NOTHING);
    else this.#write(FRAME.response, 0, response);
    this.#isAnswered = true;
  }

  /** Takes a frame of its stream. */
  take({ flags, data }: Frame): void {
    if (this.#isAnswered) return;
    if (!this.#options.method.takesStream) {
      const end = FLAG.remoteClosed | FLAG.noData;
      if ((flags & end) === end) this.abort(new Fault('canceled', 'the client gave the call up'));
      return;
    }
    if (data === undefined) this.#refuse(Code.ResourceExhausted, 'message is larger than ttrpc carries');
    else if (this.#inbox.isEnded) this.#refuse(Code.InvalidArgument, 'stream takes no more data');
    else {
      if ((flags & FLAG.noData) === 0) this.#inbox.push(data);
      if ((flags & FLAG.remoteClosed) !== 0) this.#inbox.end();
    }
  }

  /** Tells the method to end; its answer is sent all the same. */
  abort(reason: NonNullable<unknown>): void {
    this.#stop.abort(reason);
    this.#inbox.fail(toConnect(reason));
  }

  /** Answers at once and for the method, which is told to end. */
  #refuse(code: Code, message: string): void {
    this.#write(FRAME.response, 0, encodeStatus(code, message));
    this.#isAnswered = true;
    this.abort(new Fault('canceled', message));
  }

  async #send(message: Uint8Array): Promise<void> {
    const { socket } = this.#options;
    this.#write(FRAME.data, 0, message);
    while (socket.writable && socket.writableLength > MAX_BACKLOG_BYTES) {
      await drained(socket);
    }
    this.#stop.signal.throwIfAborted();
  }

  #write(type: number, flags: number, data: Uint8Array): void {
    const { socket, streamId } = this.#options;
    if (this.#isAnswered || !socket.writable) return;
    socket.write(encodeFrame(streamId, type, flags, data));
  }
}
