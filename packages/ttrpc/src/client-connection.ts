import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Code, ConnectError } from '@connectrpc/connect';
import { abortable } from '@stowage/core';
import { toConnect } from '@stowage/rpc';
import { dialFault } from '@stowage/rpc/unix-socket';
import { drained } from './drained.ts';
import { encodeFrame, FLAG, FRAME, type Frame, FrameReader } from './frame.ts';
import { ReadGate } from './read-gate.ts';

/** Bytes that may wait to be sent before calls and messages of streams wait too. */
const MAX_BACKLOG_BYTES = 8 * 1024 * 1024;
const MAX_STREAM_ID = 0xffff_ffff;
const NOTHING = new Uint8Array();

/** Takes what the server sends in one call. */
export interface Receiver {
  take(frame: Frame): void;
  /** The connection is gone. */
  fail(e: unknown): void;
}

/** One connection of a client, and the calls on it. */
export class ClientConnection {
  readonly gate: ReadGate;
  readonly #path: string;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #receivers = new Map<number, Receiver>();
  readonly #connected: Promise<unknown>;
  /** Calls that wait for their request to be sent. */
  #beginning = 0;
  #nextId = 1;
  #isRetired = false;
  #failure: unknown;

  constructor(path: string) {
    this.#path = path;
    this.#socket = connect({ path });
    this.gate = new ReadGate(this.#socket);
    this.#socket.unref();
    // It may be closed before it is connected, and then has no error.
    this.#connected = Promise.race([once(this.#socket, 'connect'), once(this.#socket, 'close')]);
    this.#connected.catch(() => {}); // every call sees it
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', (e) => this.close(e));
    this.#socket.on('close', () => this.close(gone(path)));
  }

  /** Takes no further calls: it is closed, retired, has failed, or has run out of stream ids. */
  get isClosed(): boolean {
    return this.#failure !== undefined || this.#isRetired || this.#nextId > MAX_STREAM_ID;
  }

  get isGone(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Sends a request, and gives the id of its stream. What comes back goes to the receiver, until {@link end}.
   *
   * @throws the signal's reason, or the connection's failure: then nothing was sent.
   */
  async begin(request: Uint8Array, flags: number, receiver: Receiver, signal: AbortSignal): Promise<number> {
    this.#beginning++;
    this.#socket.ref();
    try {
      await abortable(this.#ready(), signal);
      // The id is taken at the moment of sending: ids must arrive in order.
      const id = this.#nextId;
      this.#nextId += 2;
      this.#receivers.set(id, receiver);
      this.#socket.write(encodeFrame(id, FRAME.request, flags, request));
      return id;
    } finally {
      this.#beginning--;
      this.#rest();
    }
  }

  /** Sends a message of a stream, unless the stream has ended; waits while much waits to be sent. */
  async send(id: number, flags: number, message: Uint8Array): Promise<void> {
    await this.#ready();
    if (this.#receivers.has(id)) this.#socket.write(encodeFrame(id, FRAME.data, flags, message));
  }

  /** Tells the server that nobody waits for an answer, unless it has come. */
  giveUp(id: number): void {
    if (this.#failure !== undefined || !this.#receivers.has(id)) return;
    this.#socket.write(encodeFrame(id, FRAME.data, FLAG.remoteClosed | FLAG.noData, NOTHING));
  }

  /** Passes over what comes for a call from now on. */
  end(id: number): void {
    this.#receivers.delete(id);
    this.#rest();
  }

  /**
   * Takes no further calls, and closes when the last one is done. That is what tells the server of a stream that was
   * given up, which it would go on with as long as the connection lasts.
   */
  retire(): void {
    this.#isRetired = true;
    this.#rest();
  }

  /** Ends all calls with the error. */
  close(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error instanceof ConnectError ? error : toConnect(dialFault(this.#path, error));
    this.#socket.destroy();
    const receivers = [...this.#receivers.values()];
    this.#receivers.clear();
    for (const receiver of receivers) receiver.fail(this.#failure);
  }

  async #ready(): Promise<void> {
    await this.#connected.catch(() => {
      throw this.#failure ?? gone(this.#path);
    });
    while (this.#socket.writableLength > MAX_BACKLOG_BYTES && this.#failure === undefined) {
      await drained(this.#socket);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #rest(): void {
    if (this.#receivers.size > 0 || this.#beginning > 0) return;
    this.#socket.unref();
    if (this.#isRetired) this.close(gone(this.#path));
  }

  #read(chunk: Uint8Array): void {
    try {
      for (const frame of this.#frames.push(chunk)) {
        if (frame.type === FRAME.response || frame.type === FRAME.data) {
          this.#receivers.get(frame.streamId)?.take(frame);
        }
      }
    } catch (e) {
      const message = `${this.#path} does not speak ttrpc`;
      this.close(new ConnectError(message, Code.Internal, undefined, undefined, e));
    }
  }
}

function gone(path: string): ConnectError {
  return new ConnectError(`the connection to ${path} was closed`, Code.Unavailable);
}
