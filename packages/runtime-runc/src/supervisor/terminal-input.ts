import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { fionread, openFifo } from '@stowage/linux';

const LOOK_MS = 5;

/**
 * The FIFO that a client writes a terminal's input to. Open for both directions, so that it does not end when a
 * client closes it: the next one may go on.
 */
export class InputFifo {
  readonly #fd: number;
  readonly #socket: Socket;
  #timer: NodeJS.Timeout | undefined;

  /** @param fd - of a FIFO, open for both directions and nonblocking; its own from now on. */
  constructor(fd: number) {
    this.#fd = fd;
    this.#socket = new Socket({ fd: this.#fd, readable: true, writable: false });
    this.#socket.on('error', () => this.close());
  }

  static open(path: string): InputFifo {
    return new InputFifo(openFifo(path, 'both', { nonblocking: true }));
  }

  /** Undefined once it is being closed. */
  get fd(): number | undefined {
    return this.#socket.destroyed || this.#timer !== undefined ? undefined : this.#fd;
  }

  feed(terminal: Writable): void {
    this.#socket.pipe(terminal, { end: false });
  }

  /** Closes once all that was written has been passed on, then calls back. */
  finish(then: () => void): void {
    if (this.#socket.destroyed || this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      if (fionread(this.#fd) > 0 || this.#socket.readableLength > 0) return;
      this.close();
      then();
    }, LOOK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}
