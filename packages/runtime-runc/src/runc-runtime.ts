import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault, type Logger, silentLogger, validateIdentifier } from '@stowage/core';
import type { Events } from '@stowage/events';
import { reapKnown } from '@stowage/linux/reap';
import type { Runtime, RuntimeInfo, TaskRef, TaskService } from '@stowage/runtime';
import { remoteTaskService } from '@stowage/runtime/remote';
import { type Position, SupervisorConnection } from './daemon/connection.ts';
import { Holdings } from './daemon/holdings.ts';
import { findSupervisor, hasTasks, launchSupervisor } from './daemon/launch.ts';
import { ProcessTable } from './daemon/process-table.ts';
import { runtimeInfo } from './daemon/runtime-info.ts';
import { supervisorTasks } from './daemon/supervisor-tasks.ts';
import { layout } from './layout.ts';

export interface RuncRuntimeOptions {
  /** Directory of its own. What is in it need not outlive the machine, and must not be older than its boot. */
  readonly state: string;
  /** Where events of tasks are passed on to. */
  readonly events: Pick<Events, 'forward'>;
  /** OCI runtime: name in PATH, or path. Default `runc`. */
  readonly runtime?: string | undefined;
  /** Where the OCI runtime keeps its own state. Default `<state>/runc`. */
  readonly root?: string | undefined;
  /**
   * `detached` (default): the supervisor and its containers go on when this is disposed, for the next one to find.
   * `owned`: they end with it.
   */
  readonly lifetime?: 'detached' | 'owned' | undefined;
  readonly log?: Logger | undefined;
}

const NAMES = /^io\.containerd\.runc\.v[12]$|\.runc\.v2$/;
const RETRY_MS = 50;
const LONGEST_RETRY_MS = 5000;
const REAP_MS = 100;
/** How long a supervisor may take to answer, or to make room for another one. */
const PATIENCE_MS = 5000;

/**
 * Runs containers by an OCI runtime binary, through one supervisor process for all of them. The supervisor is started
 * with the first container and outlives this process; should it die, containers go on and the next one finds them.
 */
export class RuncRuntime implements Runtime, AsyncDisposable {
  readonly #options: { readonly [K in keyof RuncRuntimeOptions]-?: NonNullable<RuncRuntimeOptions[K]> };
  readonly #table = new ProcessTable();
  readonly #holdings: Holdings;
  readonly #position: Position = { passedOn: 0n };
  #connection: Promise<SupervisorConnection> | undefined;
  /** Of the last supervisor; a child of this process, if it was started here. */
  #pid: number | undefined;
  /** Set while a connection that was lost is not yet tried again. */
  #again: NodeJS.Timeout | undefined;
  #failures = 0;
  #disposed = false;

  private constructor(options: RuncRuntimeOptions) {
    const { state, events, runtime, root, lifetime, log } = options;
    this.#options = {
      ...{ state, events },
      runtime: runtime ?? 'runc',
      root: root ?? layout(state).runtime,
      lifetime: lifetime ?? 'detached',
      log: log ?? silentLogger,
    };
    this.#holdings = new Holdings(this.#options.log);
  }

  /** Connects to a supervisor that is there, or is needed for the tasks that one left behind. */
  static async open(options: RuncRuntimeOptions): Promise<RuncRuntime> {
    const { state } = options;
    await mkdir(layout(state).supervisors, { recursive: true, mode: 0o700 });
    const runtime = new RuncRuntime(options);
    const found = await findSupervisor(state);
    if (found === undefined && !(await hasTasks(state))) return runtime;
    try {
      await runtime.#connect();
    } catch (e) {
      // One that is there and hangs may come round, and is tried again; the daemon has other things to do.
      if (found !== undefined) return runtime;
      await runtime[Symbol.asyncDispose]();
      throw e;
    }
    return runtime;
  }

  serves(runtimeName: string): boolean {
    return NAMES.test(runtimeName);
  }

  tasks(namespace: string): TaskService {
    if (namespace === '') throw new Fault('failed_precondition', 'namespace is required');
    validateIdentifier(namespace, 'namespace');
    return supervisorTasks({
      namespace,
      table: this.#table,
      holdings: this.#holdings,
      reach: async ({ start }) => {
        const connection = await this.#reach(start);
        return connection && remoteTaskService(connection.transport, { namespace });
      },
    });
  }

  async *list(): AsyncGenerator<TaskRef> {
    await this.#reach(false);
    yield* [...this.#table.list()];
  }

  info(request: { readonly runtimeName: string }): Promise<RuntimeInfo> {
    return runtimeInfo(request.runtimeName, this.#options.runtime);
  }

  /** Undefined where no supervisor is needed. */
  async #reach(start: boolean): Promise<SupervisorConnection | undefined> {
    if (this.#disposed) throw closed();
    const needed = start || this.#table.size > 0 || this.#again !== undefined;
    return needed ? this.#connect() : this.#connection;
  }

  #connect(): Promise<SupervisorConnection> {
    clearTimeout(this.#again);
    this.#again = undefined;
    if (this.#connection !== undefined) return this.#connection;
    const connecting: Promise<SupervisorConnection> = this.#open();
    this.#connection = connecting;
    connecting.then(
      (connection) => {
        this.#failures = 0;
        return connection.closed.catch((e: unknown) => this.#lost(connecting, e));
      },
      (e: unknown) => this.#lost(connecting, e),
    );
    return connecting;
  }

  /** One that is just ending still holds its lock, and nobody answers. */
  async #open(): Promise<SupervisorConnection> {
    const { state, events, runtime: binary, root: runtimeRoot, log } = this.#options;
    for (const giveUp = performance.now() + PATIENCE_MS; ; ) {
      try {
        const { files, info } =
          (await findSupervisor(state)) ?? (await launchSupervisor({ state, binary, runtimeRoot, log }));
        this.#pid = info.pid;
        const shared = { table: this.#table, holdings: this.#holdings, position: this.#position };
        return await SupervisorConnection.open({ files, events, log, ...shared });
      } catch (e) {
        if (this.#disposed || !Fault.is(e, 'unavailable') || performance.now() > giveUp) throw e;
      }
      await delay(RETRY_MS);
    }
  }

  /** Somebody may wait for the tasks of a supervisor that died, so another one is found or started at once. */
  #lost(connecting: Promise<SupervisorConnection>, err: unknown): void {
    if (this.#connection !== connecting) return;
    this.#connection = undefined;
    connecting.then((connection) => connection[Symbol.asyncDispose]()).catch(() => {});
    if (this.#disposed) return;
    this.#options.log.warn({ err }, 'the supervisor of containers is lost');
    if (this.#pid !== undefined) reapSoon(this.#pid);
    const delayMs = Math.min(RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS);
    // Keeps the process going, as an open connection does: somebody may wait for an exit.
    this.#again = setTimeout(() => this.#connect().catch(() => {}), delayMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    clearTimeout(this.#again);
    const connection = await this.#connection?.catch(() => undefined);
    if (this.#options.lifetime === 'owned') await connection?.stop(true);
    await connection?.[Symbol.asyncDispose]();
    this.#holdings[Symbol.dispose]();
    this.#table.close(closed());
  }
}

/** One that is ending has closed its socket first. Is no child of ours, if another daemon started it. */
function reapSoon(pid: number, attempts = 20): void {
  const reaped = reapKnown(pid)?.exited ?? true;
  if (!reaped && attempts > 0) setTimeout(() => reapSoon(pid, attempts - 1), REAP_MS).unref();
}

function closed(): Fault {
  return new Fault('unavailable', 'the runtime is closed');
}
