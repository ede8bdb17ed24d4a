import { mkdir } from 'node:fs/promises';
import { Fault, type Logger, silentLogger, validateIdentifier } from '@stowage/core';
import type { Events } from '@stowage/events';
import type { Runtime, RuntimeInfo, RuntimeProcess, TaskRef, TaskService } from '@stowage/runtime';
import type { Grouping } from './daemon/groups.ts';
import { ProcessTable } from './daemon/process-table.ts';
import { type SupervisorProgram, supervisorProgram } from './daemon/program.ts';
import { runtimeInfo } from './daemon/runtime-info.ts';
import { type Lifetime, SupervisorPool } from './daemon/supervisor-pool.ts';
import { supervisorTasks } from './daemon/supervisor-tasks.ts';
import { layout } from './layout.ts';

export type { Grouping, Lifetime, SupervisorProgram };

const DEFAULT_BINARY = 'runc';

export interface RuncRuntimeOptions {
  /** Directory of its own. What is in it need not outlive the machine, and must not be older than its boot. */
  readonly state: string;
  /** Where events of tasks are passed on to. */
  readonly events: Pick<Events, 'forward'>;
  /** OCI runtime: name in PATH, or path. Default `runc`. */
  readonly runtime?: string | undefined;
  /** Where the OCI runtime keeps its own state. Default `<state>/runc`. */
  readonly root?: string | undefined;
  /** What becomes of supervisors and containers when this is disposed. Default `detached`: the next one finds them. */
  readonly lifetime?: Lifetime | undefined;
  /** Which containers share a supervisor: all (default), those of a namespace, or those of a pod. For new ones alone. */
  readonly supervisors?: Grouping | undefined;
  /** What new supervisors are started from. Default: the one beside this module. */
  readonly program?: SupervisorProgram | undefined;
  readonly log?: Logger | undefined;
}

const NAMES = /^io\.containerd\.runc\.v[12]$|\.runc\.v2$/;

/**
 * Runs containers by an OCI runtime binary, through supervisor processes: one for all of them, unless told otherwise.
 * A supervisor is started with its first container and outlives this process; should it die, containers go on and the
 * next one finds them.
 */
export class RuncRuntime implements Runtime, AsyncDisposable {
  readonly #table: ProcessTable;
  readonly #pool: SupervisorPool;
  readonly #binary: string;
  readonly #lifetime: Lifetime;

  private constructor(table: ProcessTable, pool: SupervisorPool, options: RuncRuntimeOptions) {
    this.#table = table;
    this.#pool = pool;
    this.#binary = options.runtime ?? DEFAULT_BINARY;
    this.#lifetime = options.lifetime ?? 'detached';
  }

  /** Connects to supervisors that are there, or are needed for the tasks that others left behind. */
  static async open(options: RuncRuntimeOptions): Promise<RuncRuntime> {
    const { state, events, runtime: binary = DEFAULT_BINARY, supervisors: grouping = 'one' } = options;
    await mkdir(layout(state).supervisors, { recursive: true, mode: 0o700 });
    const table = new ProcessTable();
    const program = options.program ?? (await supervisorProgram());
    const { root: runtimeRoot = layout(state).runtime, log = silentLogger } = options;
    const shared = { state, events, table, log };
    const stay = options.lifetime === 'owned';
    const pool = await SupervisorPool.open({ ...shared, grouping, program, binary, runtimeRoot, stay });
    return new RuncRuntime(table, pool, options);
  }

  serves(runtimeName: string): boolean {
    return NAMES.test(runtimeName);
  }

  tasks(namespace: string): TaskService {
    if (namespace === '') throw new Fault('failed_precondition', 'namespace is required');
    validateIdentifier(namespace, 'namespace');
    return supervisorTasks({ namespace, table: this.#table, pool: this.#pool });
  }

  async *list(): AsyncGenerator<TaskRef> {
    await this.#pool.listed();
    yield* [...this.#table.list()];
  }

  processes(): readonly RuntimeProcess[] {
    return this.#pool.processes;
  }

  info(request: { readonly runtimeName: string }): Promise<RuntimeInfo> {
    return runtimeInfo(request.runtimeName, this.#binary);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close(this.#lifetime);
  }
}
