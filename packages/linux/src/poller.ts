import { Worker } from 'node:worker_threads';
import { Fault } from '@stowage/core';
import { EPOLLIN, EPOLLONESHOT, epollAdd, epollCreate, epollModify, epollRemove } from './epoll.ts';
import { hasCode } from './errors.ts';
import { eventfd, eventfdWrite } from './eventfd.ts';
import { close } from './fd.ts';
import type { PollWorkerData } from './linux-poll-worker.ts';
import { pidfdOpen } from './process.ts';
import { StartGate } from './start-gate.ts';
import { workerOptions } from './worker-options.ts';

export { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } from './epoll.ts';

export interface PollerOptions {
  /** Whether watches keep the process alive. Default false. */
  readonly ref?: boolean;
}

export interface WatchOptions {
  /** EPOLL* to wait for. Default EPOLLIN. EPOLLERR and EPOLLHUP are always reported. */
  readonly events?: number;
}

/** A process being watched. Disposing gives up the watch and closes `pidfd`. */
export interface ProcessWatch extends Disposable {
  readonly pid: number;
  /** For `pidfdSendSignal` and `pidfdExit`. Valid until disposed, also after the exit. */
  readonly pidfd: number;
  /**
   * Resolves when the process has ended: it is a zombie, or reaped by another. Rejects with Fault `canceled` if
   * the watch is disposed before. Needs no handler.
   */
  readonly exited: Promise<void>;
}

interface Watch {
  readonly fd: number;
  readonly events: number;
  callback(events: number): void;
  ended(reason: Fault): void;
}

const BATCH = 256;
/** A worker that dies this often in a row, without delivering anything, will not get better. */
const MOST_RESTARTS = 3;

/**
 * Waits for many descriptors and processes in one worker thread, without touching libuv's pool.
 *
 * Callbacks run on the thread that made the poller. A watched descriptor is reported again only after its callback has
 * returned, and then as long as it stays ready, so a callback that leaves something unread is called again and one that
 * falls behind is not flooded.
 */
export class Poller implements AsyncDisposable {
  readonly #epfd = epollCreate();
  readonly #wake = eventfd();
  readonly #watches = new Map<number, Watch>();
  readonly #tokens = new Map<number, number>();
  readonly #ref: boolean;
  readonly #onExit = () => eventfdWrite(this.#wake);
  #worker: Worker | undefined;
  #lastToken = 0;
  #restarts = 0;
  #closed = false;

  constructor({ ref = false }: PollerOptions = {}) {
    this.#ref = ref;
    epollAdd(this.#epfd, this.#wake, EPOLLIN, 0n);
  }

  /** How many descriptors and processes are watched. */
  get size(): number {
    return this.#watches.size;
  }

  /**
   * Calls back whenever `fd` is ready. The descriptor stays the caller's; end the watch before closing it.
   *
   * @returns disposing it ends the watch: the callback is not called afterwards.
   * @throws EEXIST if watched already, EPERM for a regular file.
   */
  watchFd(
    fd: number,
    callback: (events: number) => void,
    { events = EPOLLIN }: WatchOptions = {},
  ): Disposable {
    this.#watch({ fd, events, callback, ended() {} });
    const token = this.#lastToken;
    return { [Symbol.dispose]: () => this.#unwatch(token) };
  }

  /** Ends the watch of a descriptor, if there is one. */
  unwatch(fd: number): void {
    const token = this.#tokens.get(fd);
    if (token !== undefined) this.#unwatch(token);
  }

  /**
   * Watches for the end of a process, child or not. Reaps nothing.
   *
   * @throws ESRCH if there is no such process, not even a zombie.
   */
  watchPid(pid: number): ProcessWatch {
    const pidfd = pidfdOpen(pid);
    const { promise: exited, resolve, reject } = Promise.withResolvers<void>();
    exited.catch(() => {});
    const callback = () => {
      this.unwatch(pidfd);
      resolve();
    };
    try {
      this.#watch({ fd: pidfd, events: EPOLLIN, callback, ended: reject });
    } catch (e) {
      close(pidfd);
      throw e;
    }
    let open = true;
    const dispose = () => {
      if (!open) return;
      open = false;
      this.unwatch(pidfd);
      reject(new Fault('canceled', `watch process ${pid}: given up`));
      close(pidfd);
    };
    return { pid, pidfd, exited, [Symbol.dispose]: dispose };
  }

  #watch(watch: Watch): void {
    if (this.#closed) throw new Fault('unavailable', `watch fd ${watch.fd}: poller is closed`);
    const token = this.#lastToken + 1;
    epollAdd(this.#epfd, watch.fd, watch.events | EPOLLONESHOT, BigInt(token));
    this.#lastToken = token;
    this.#watches.set(token, watch);
    this.#tokens.set(watch.fd, token);
    this.#worker ??= this.#start();
    if (this.#ref) this.#worker.ref();
  }

  #unwatch(token: number): void {
    const watch = this.#watches.get(token);
    if (watch === undefined) return;
    this.#watches.delete(token);
    // The number may be another's by now, if its owner closed the descriptor first.
    if (this.#tokens.get(watch.fd) === token) {
      this.#tokens.delete(watch.fd);
      epollRemove(this.#epfd, watch.fd);
    }
    if (this.#watches.size === 0) this.#worker?.unref();
  }

  #deliver(batch: readonly (readonly [token: number, events: number])[]): void {
    this.#restarts = 0;
    const thrown: unknown[] = [];
    for (const [token, events] of batch) {
      const watch = this.#watches.get(token);
      if (watch === undefined) continue;
      try {
        watch.callback(events);
      } catch (e) {
        thrown.push(e);
      }
      if (this.#watches.has(token)) this.#arm(token, watch);
    }
    // Only now, or the rest of the batch would never be heard of again.
    if (thrown.length > 0) throw thrown[0];
  }

  #arm(token: number, watch: Watch): void {
    try {
      epollModify(this.#epfd, watch.fd, watch.events | EPOLLONESHOT, BigInt(token));
    } catch (e) {
      // Closed without ending the watch: there is nothing left to watch.
      if (!hasCode(e, 'ENOENT', 'EBADF')) throw e;
      this.#unwatch(token);
    }
  }

  #start(): Worker {
    const gate = new StartGate();
    const workerData: PollWorkerData = { epfd: this.#epfd, gate: gate.state, batch: BATCH };
    const worker = new Worker(
      new URL(
        import.meta.url.endsWith('.ts') ? './linux-poll-worker.ts' : './linux-poll-worker.js',
        import.meta.url,
      ),
      workerOptions('linux-poll', workerData),
    );
    gate.guard(worker);
    // Ending a process joins its workers, and one in epoll_wait has to be told.
    process.on('exit', this.#onExit);
    worker.on('message', (batch) => this.#deliver(batch));
    let cause: unknown;
    worker.on('error', (e) => {
      cause = e;
    });
    worker.on('exit', () => {
      process.off('exit', this.#onExit);
      if (!this.#closed && this.#worker === worker) this.#restart(cause);
    });
    // After the listeners: one for messages holds the process alive.
    worker.unref();
    return worker;
  }

  /** The descriptors outlive a worker. What it had taken and not passed on is reported again. */
  #restart(cause: unknown): void {
    this.#worker = undefined;
    if (this.#restarts++ === MOST_RESTARTS) {
      this.#abandon(new Fault('unavailable', 'poll: worker dies again and again', { cause }));
      return;
    }
    if (this.#watches.size === 0) return;
    this.#worker = this.#start();
    if (this.#ref) this.#worker.ref();
    for (const [token, watch] of this.#watches) this.#arm(token, watch);
  }

  #abandon(reason: Fault): void {
    const watches = [...this.#watches];
    for (const [token, watch] of watches) {
      this.#unwatch(token);
      watch.ended(reason);
    }
  }

  /** Ends all watches and the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#abandon(new Fault('canceled', 'poll: poller is closed'));
    const worker = this.#worker;
    if (worker !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      worker.once('exit', () => resolve());
      worker.ref();
      eventfdWrite(this.#wake);
      await promise;
    }
    close(this.#epfd);
    close(this.#wake);
  }
}
