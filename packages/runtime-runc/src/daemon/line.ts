import { setTimeout as delay } from 'node:timers/promises';
import { Fault, type Logger } from '@stowage/core';
import { reapKnown } from '@stowage/linux/reap';
import { SupervisorConnection } from './connection.ts';
import type { Holdings } from './holdings.ts';
import type { FoundSupervisor } from './launch.ts';
import type { Relay } from './relay.ts';
import type { TableSource } from './table-source.ts';

const RETRY_MS = 50;
const LONGEST_RETRY_MS = 5000;
const REAP_MS = 100;
/** How long a supervisor may take to answer, or to make room for another one. */
const PATIENCE_MS = 5000;

export interface LineOptions {
  readonly name: string;
  /** For people to read: which containers it has. */
  readonly label: string;
  readonly relay: Relay;
  readonly log: Logger;
  /** The supervisor of this name, if it serves. */
  find(): Promise<FoundSupervisor | undefined>;
  /** Called when it does not: starts another one of this name; or tidies up after it, for none is needed. */
  replace(line: Line): Promise<FoundSupervisor | undefined>;
  onConnect(line: Line): void;
}

/**
 * What leads to the supervisor of one name, for as long as there is one or ought to be: a connection which is made
 * again whenever it is lost, to another process where the first one died.
 */
export class Line implements AsyncDisposable {
  readonly options: LineOptions;
  /** Containers that are being made there. */
  making = 0;
  /** There is none of this name any more; look elsewhere. */
  isOver = false;
  #connection: Promise<SupervisorConnection | undefined> | undefined;
  /** Settled when it was tried to connect for the first time. */
  #tried: Promise<void> | undefined;
  #isListed = false;
  /** Of the last supervisor; a child of this process, if it was started here. */
  #pid: number | undefined;
  /** That of one which was told to end, and is about to. */
  #endingPid: number | undefined;
  /** The last connection, until nothing comes from it any more. */
  #leaving: Promise<unknown> = Promise.resolve();
  /** Set while a connection that was lost is not yet tried again. */
  #again: NodeJS.Timeout | undefined;
  #failures = 0;
  #disposed = false;

  constructor(options: LineOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }

  get source(): TableSource {
    return this.options.relay.options.source;
  }

  /** What is held for it. */
  get holdings(): Holdings {
    return this.options.relay.options.holdings;
  }

  /** Of the supervisor that it leads to. Undefined while there is none. */
  get pid(): number | undefined {
    return this.#connection === undefined ? undefined : this.#pid;
  }

  /** The table holds what it has, or had when last heard of. */
  get isListed(): boolean {
    return this.#isListed;
  }

  /** It was asked to end, and nothing is wrong with its being gone. */
  get wasAsked(): boolean {
    return this.#endingPid !== undefined;
  }

  /** Settles when it is connected, or that failed once. Never rejects. */
  get tried(): Promise<void> {
    this.#tried ??= this.connect().then(
      () => {},
      () => {},
    );
    return this.#tried;
  }

  /**
   * Undefined if there is no such supervisor, and none is needed: the line is over.
   *
   * @throws Fault `unavailable` if there ought to be one and is none, or it does not answer.
   */
  connect(): Promise<SupervisorConnection | undefined> {
    clearTimeout(this.#again);
    this.#again = undefined;
    if (this.#connection !== undefined) return this.#connection;
    const connecting = this.#open();
    this.#connection = connecting;
    connecting.then(
      (connection) => {
        if (connection === undefined) return;
        this.#failures = 0;
        this.options.onConnect(this);
        return connection.closed.catch((e: unknown) => this.#lost(connecting, e));
      },
      (e: unknown) => this.#lost(connecting, e),
    );
    return connecting;
  }

  /** One that is just ending still holds its lock, and nobody answers. */
  async #open(): Promise<SupervisorConnection | undefined> {
    const { find, replace, relay } = this.options;
    // It may be passing an event on, which is not to be passed on twice.
    await this.#leaving;
    for (const giveUp = performance.now() + PATIENCE_MS; ; await delay(RETRY_MS)) {
      if (this.#disposed) throw new Fault('unavailable', 'the runtime is closed');
      try {
        const found = (await find()) ?? (await replace(this));
        if (found === undefined) {
          this.isOver = true;
          this.#reap();
          return undefined;
        }
        if (found.info.pid === this.#endingPid) throw new Fault('unavailable', `${this.name}: it is ending`);
        this.#endingPid = undefined;
        this.#pid = found.info.pid;
        const connection = await SupervisorConnection.open({ files: found.files, relay });
        this.#isListed = true;
        return connection;
      } catch (e) {
        if (this.#disposed || !Fault.is(e, 'unavailable') || performance.now() > giveUp) throw e;
      }
    }
  }

  /** Somebody may wait for the tasks of a supervisor that died, so another one is found or started at once. */
  #lost(connecting: Promise<SupervisorConnection | undefined>, err: unknown): void {
    if (this.#connection !== connecting) return;
    this.#connection = undefined;
    this.#leaving = connecting.then((connection) => connection?.[Symbol.asyncDispose]()).catch(() => {});
    if (this.#disposed) return;
    if (!this.wasAsked) this.options.log.warn({ err, name: this.name }, 'a supervisor of containers is lost');
    this.#reap();
    const delayMs = Math.min(RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS);
    // Keeps the process going, as an open connection does: somebody may wait for an exit.
    this.#again = setTimeout(() => this.connect().catch(() => {}), delayMs);
  }

  #reap(): void {
    if (this.#pid !== undefined) reapSoon(this.#pid);
  }

  /**
   * Ends the supervisor. Whoever wants to connect from now on gets the next one of its name.
   *
   * @throws Fault `failed_precondition` if it has tasks.
   */
  async end(): Promise<void> {
    const connecting = this.#connection;
    const connection = await connecting;
    if (connecting === undefined || connection === undefined) return;
    this.#endingPid = this.#pid;
    try {
      await connection.stop(false, { signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch (e) {
      this.#endingPid = undefined;
      throw e;
    }
    this.#lost(connecting, undefined);
  }

  /** Leaves the supervisor and its containers as they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(false);
  }

  /** Ends the supervisor with its containers. */
  async kill(): Promise<void> {
    await this.#close(true);
  }

  async #close(killTasks: boolean): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    clearTimeout(this.#again);
    const connection = await this.#connection?.catch(() => undefined);
    if (killTasks) await connection?.stop(true);
    await connection?.[Symbol.asyncDispose]();
    if (killTasks && connection !== undefined) await this.#ended();
    this.holdings[Symbol.dispose]();
    if (killTasks) this.#reap();
  }

  /** It has answered, and may have a few things to do yet. */
  async #ended(): Promise<void> {
    for (const giveUp = performance.now() + PATIENCE_MS; performance.now() < giveUp; await delay(RETRY_MS)) {
      if ((await this.options.find()) === undefined) return;
    }
    this.options.log.warn({ name: this.name }, 'a supervisor was told to end, and is still there');
  }
}

/** One that is ending has closed its socket first. Is no child of ours, if another daemon started it. */
function reapSoon(pid: number, attempts = 20): void {
  const reaped = reapKnown(pid)?.exited ?? true;
  if (!reaped && attempts > 0) setTimeout(() => reapSoon(pid, attempts - 1), REAP_MS).unref();
}
