import { Socket } from 'node:net';
import { openFifo } from '@stowage/linux';

/** Longest piece that is kept of what was read. */
const KEPT_BYTES = 4096;

/**
 * Reads a FIFO to its end so that nobody who writes to it waits, and keeps the last of it. It is read through the
 * event loop, by a description of its own.
 */
export class Drain implements Disposable {
  readonly #socket: Socket;
  readonly #ended = Promise.withResolvers<void>();
  #kept: Buffer = Buffer.alloc(0);

  /** @throws ENOENT, ... as open(2) does. */
  constructor(path: string) {
    this.#socket = new Socket({
      fd: openFifo(path, 'read', { nonblocking: true }),
      readable: true,
      writable: false,
    });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#kept = Buffer.concat([this.#kept, chunk]).subarray(-KEPT_BYTES);
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#ended.resolve());
  }

  /** The last of what was read. */
  get text(): string {
    return this.#kept.toString('utf8').trim();
  }

  /** Settles when no writer is left and all was read, or this is disposed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
