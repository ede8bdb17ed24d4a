import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { close, mkfifo, openFifo } from '@stowage/linux';

/** A FIFO that a process writes to. Read from the start, without ever waiting for its writer in libuv's pool. */
export class OutputPipe implements Disposable {
  readonly path: string;
  /** All that was written, once the last writer is gone. */
  readonly all: Promise<string>;
  readonly #socket: Socket;

  constructor(path: string) {
    mkfifo(path, 0o600);
    this.path = path;
    this.#socket = new Socket({
      fd: openFifo(path, 'read', { nonblocking: true }),
      readable: true,
      writable: false,
    });
    this.all = text(this.#socket);
    this.all.catch(() => {});
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** A FIFO that a process reads from. */
export class InputPipe implements Disposable {
  readonly path: string;
  #fd: number | undefined;

  constructor(path: string) {
    mkfifo(path, 0o600);
    this.path = path;
    this.#fd = openFifo(path, 'both', { nonblocking: true });
  }

  /** Of a few bytes: they fit into the pipe. */
  write(line: string): void {
    if (this.#fd !== undefined) writeSync(this.#fd, line);
  }

  /** Lets go of it, as a client does that has no more to say. */
  [Symbol.dispose](): void {
    if (this.#fd !== undefined) close(this.#fd);
    this.#fd = undefined;
  }
}
