import { unlinkSync } from 'node:fs';
import type { CallOptions } from '@stowage/core';
import { Fault } from '@stowage/core';
import { hasCode } from './errors.ts';
import { close } from './fd.ts';
import { receiveMessage } from './message.ts';
import { peerCredentials } from './peer.ts';
import type { Poller } from './poller.ts';
import { acceptUnix, listenUnix } from './sockets.ts';

export { type PtyStream, ptyStream } from './pty-stream.ts';
export { setWindowSize, type WindowSize, windowSize } from './terminal.ts';

/** What an OCI runtime sent over a console socket. */
export interface ReceivedPty {
  /** The pty master, blocking, O_CLOEXEC, the receiver's to close. */
  readonly fd: number;
  /** The name the runtime gave it, such as `/dev/ptmx`. */
  readonly name: string;
}

const LONGEST_NAME = 4096;

/**
 * The listening end of `runc create --console-socket`: receives one pty master.
 *
 * Never waits and uses no thread of its own: the poller says when to accept and to receive. Connections of another user
 * are dropped.
 */
export class ConsoleSocket implements Disposable {
  readonly path: string;
  readonly #poller: Poller;
  readonly #listener: number;
  readonly #watches = new Map<number, Disposable>();
  readonly #received = Promise.withResolvers<ReceivedPty>();
  /** Held until somebody asks for it. */
  #unclaimed: ReceivedPty | undefined;
  #closed = false;

  /** Listens at `path` with mode 0600. At most 107 bytes, and nothing there yet. */
  constructor(path: string, poller: Poller) {
    this.path = path;
    this.#poller = poller;
    this.#received.promise.catch(() => {});
    this.#listener = listenUnix(path, 0o600);
    this.#watch(this.#listener, () => this.#accept());
  }

  /**
   * Waits for the pty master; the descriptor is the caller's then. Call once.
   *
   * @throws Fault `canceled` if disposed before anything came.
   */
  async receive({ signal }: CallOptions = {}): Promise<ReceivedPty> {
    signal?.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const pty = await Promise.race([this.#received.promise, aborted.promise]);
      if (this.#unclaimed === undefined) {
        throw this.#closed
          ? this.#canceled()
          : new Fault('failed_precondition', `receive pty on ${this.path}: already taken`);
      }
      this.#unclaimed = undefined;
      return pty;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #canceled(): Fault {
    return new Fault('canceled', `receive pty on ${this.path}: closed`);
  }

  #watch(fd: number, callback: () => void): void {
    this.#watches.set(fd, this.#poller.watchFd(fd, callback));
  }

  #drop(fd: number): void {
    this.#watches.get(fd)?.[Symbol.dispose]();
    this.#watches.delete(fd);
    close(fd);
  }

  #accept(): void {
    let fd: number | undefined;
    try {
      fd = acceptUnix(this.#listener);
      if (fd === undefined) return;
      if (peerCredentials(fd).uid !== process.geteuid?.()) {
        close(fd);
        return;
      }
      const connection = fd;
      this.#watch(connection, () => this.#take(connection));
    } catch (e) {
      // Out of descriptors, most likely. Whoever waits is told, and the listener would only report it again.
      if (fd !== undefined) close(fd);
      this.#watches.get(this.#listener)?.[Symbol.dispose]();
      this.#received.reject(e);
    }
  }

  #take(connection: number): void {
    try {
      const message = receiveMessage(connection, LONGEST_NAME, 1);
      if (message === undefined) return;
      const [fd] = message.fds;
      if (fd !== undefined && this.#unclaimed === undefined) {
        this.#unclaimed = { fd, name: message.data.toString() };
        this.#received.resolve(this.#unclaimed);
      } else if (fd !== undefined) {
        close(fd);
      }
    } catch (e) {
      this.#received.reject(e);
    }
    this.#drop(connection);
  }

  /** Stops listening, removes the socket, and closes a master that nobody asked for. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#received.reject(this.#canceled());
    for (const fd of [...this.#watches.keys()]) this.#drop(fd);
    if (this.#unclaimed !== undefined) close(this.#unclaimed.fd);
    this.#unclaimed = undefined;
    try {
      unlinkSync(this.path);
    } catch (e) {
      if (!hasCode(e, 'ENOENT')) throw e;
    }
  }
}
