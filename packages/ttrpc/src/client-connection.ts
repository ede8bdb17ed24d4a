import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Code, ConnectError } from '@connectrpc/connect';
import { toConnect } from '@stowage/rpc';
import { dialFault } from '@stowage/rpc/unix-socket';
import { encodeFrame, FRAME, FrameReader } from './frame.ts';

/** Bytes that may wait to be sent before further calls wait too. */
const MAX_BACKLOG_BYTES = 8 * 1024 * 1024;
const MAX_STREAM_ID = 0xffff_ffff;

/** One connection of a client, and the calls on it. */
export class ClientConnection {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #calls = new Map<number, { settle(bytes: Uint8Array): void; fail(e: unknown): void }>();
  readonly #connected: Promise<unknown>;
  #nextId = 1;
  #failure: unknown;

  constructor(path: string) {
    this.#path = path;
    this.#socket = connect({ path });
    this.#socket.unref();
    this.#connected = once(this.#socket, 'connect');
    this.#connected.catch(() => {}); // every call sees it
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', (e) => this.close(e));
    this.#socket.on('close', () => this.close(gone(path)));
  }

  /** Takes no further calls: it is closed, has failed, or has run out of stream ids. */
  get isClosed(): boolean {
    return this.#failure !== undefined || this.#nextId > MAX_STREAM_ID;
  }

  /** Sends a request and waits for its response. A call that was given up leaves nothing behind here. */
  async call(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    this.#socket.ref();
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    let id: number | undefined;
    try {
      signal.throwIfAborted();
      await Promise.race([this.#ready(), promise]);
      if (this.#failure !== undefined) throw this.#failure;
      // The id is taken at the moment of sending: ids must arrive in order.
      id = this.#nextId;
      this.#nextId += 2;
      this.#calls.set(id, { settle: resolve, fail: reject });
      this.#socket.write(encodeFrame(id, FRAME.request, 0, request));
      return await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
      promise.catch(() => {});
      if (id !== undefined) this.#calls.delete(id);
      if (this.#calls.size === 0) this.#socket.unref();
    }
  }

  /** Ends all calls with the error. */
  close(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error instanceof ConnectError ? error : toConnect(dialFault(this.#path, error));
    this.#socket.destroy();
    for (const { fail } of this.#calls.values()) fail(this.#failure);
    this.#calls.clear();
  }

  async #ready(): Promise<void> {
    await this.#connected.catch(() => {
      throw this.#failure ?? gone(this.#path);
    });
    while (this.#socket.writableLength > MAX_BACKLOG_BYTES && this.#failure === undefined) {
      await Promise.race([once(this.#socket, 'drain'), once(this.#socket, 'close')]);
    }
  }

  #read(chunk: Uint8Array): void {
    try {
      for (const { streamId, type, data } of this.#frames.push(chunk)) {
        const call = type === FRAME.response ? this.#calls.get(streamId) : undefined;
        if (data !== undefined) call?.settle(data);
        else
          call?.fail(new ConnectError('the response is larger than ttrpc carries', Code.ResourceExhausted));
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
