import type { Logger } from '@stowage/core';
import type { Poller } from '@stowage/linux/poller';
import {
  exitCode,
  exitOfStranger,
  OrphanReaper,
  reapKnown,
  startTime,
  UNKNOWN_STATUS,
} from '@stowage/linux/reap';

/** Orphans are swept at this interval, twice after a child ended: a sweep reaps what the one before it saw. */
const SWEEP_MS = 1000;
const SWEEPS = 2;

/** A process whose end is watched from its pid file on. */
export interface WatchedProcess {
  readonly pid: number;
  /** With the pid it names one process until the next boot. */
  readonly startTime: bigint;
  /** Sends signals to exactly this process. Valid until {@link exited} settles. */
  readonly pidfd: number;
  /** Settles when it has ended and was reaped. Never rejects. */
  readonly exited: Promise<ProcessExit>;
}

export interface ProcessExit {
  readonly exitStatus: number;
  readonly exitedAt: Date;
}

/**
 * Learns how processes ended, and leaves no zombies. Processes of containers become children of this process when
 * the runtime that started them ends, since it is a subreaper. Each is reaped by its pid, never any child, so that
 * no status is lost that somebody waits for.
 */
export class Reaper implements Disposable {
  readonly #poller: Poller;
  readonly #log: Logger;
  /** Pids that somebody waits for. */
  readonly #known = new Set<number>();
  readonly #orphans = new OrphanReaper();
  readonly #onChild = () => this.#sweepSoon();
  #holds = 0;
  #sweepsLeft = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(poller: Poller, log: Logger) {
    this.#poller = poller;
    this.#log = log;
    process.on('SIGCHLD', this.#onChild);
  }

  /** @throws ESRCH if there is no such process, not even a zombie. */
  watch(pid: number): WatchedProcess {
    const watch = this.#poller.watchPid(pid);
    const since = sinceWhen(pid, watch);
    this.#known.add(pid);
    const exited = watch.exited.then(
      () => this.#collect(pid, watch.pidfd),
      (err: unknown) => {
        this.#log.error({ err, pid }, 'the watch of a process was lost');
        return { exitStatus: UNKNOWN_STATUS, exitedAt: new Date() };
      },
    );
    return {
      pid,
      startTime: since,
      pidfd: watch.pidfd,
      exited: exited.finally(() => {
        watch[Symbol.dispose]();
        this.#known.delete(pid);
      }),
    };
  }

  /** While held, no orphan is reaped: one of them may be a process whose pid file was not read yet. */
  hold(): Disposable {
    this.#holds++;
    return {
      [Symbol.dispose]: () => {
        this.#holds--;
        this.#sweepSoon();
      },
    };
  }

  async #collect(pid: number, pidfd: number): Promise<ProcessExit> {
    const exitedAt = new Date();
    const result = reapKnown(pid);
    if (result?.exited === true) return { exitStatus: exitCode(result), exitedAt };
    const exit = exitOfStranger(pid, pidfd);
    if (!exit.certain) this.#log.warn({ pid }, 'nobody knows how a process ended');
    return { exitStatus: exitCode(exit), exitedAt };
  }

  #sweepSoon(): void {
    this.#sweepsLeft = SWEEPS;
    this.#timer ??= setInterval(() => {
      if (this.#holds > 0) return;
      this.#orphans.sweep(this.#known);
      if (--this.#sweepsLeft > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    }, SWEEP_MS).unref();
  }

  [Symbol.dispose](): void {
    process.off('SIGCHLD', this.#onChild);
    clearInterval(this.#timer);
  }
}

/** When a process that is watched began. It is not watched any more if that can't be read, for want of a descriptor. */
function sinceWhen(pid: number, watch: Disposable): bigint {
  try {
    return startTime(pid) ?? 0n;
  } catch (e) {
    watch[Symbol.dispose]();
    throw e;
  }
}
