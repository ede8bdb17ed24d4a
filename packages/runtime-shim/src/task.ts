import type { TaskRef, TaskService } from '@stowage/runtime';
import { remoteTaskService } from '@stowage/runtime/remote';
import type { Lease } from './connections.ts';
import { Exits } from './exits.ts';
import type { TaskRecord } from './records.ts';
import type { ShimIdentity } from './shim-command.ts';
import type { Bootstrap } from './start-answer.ts';
import { asVersion2 } from './version-2.ts';

/** The line to the shim of one task, and the calls over it. */
export interface Line {
  readonly lease: Lease;
  readonly calls: TaskService;
}

/** One task, as this process knows it. */
export class ShimTask implements TaskRef, ShimIdentity {
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
  readonly binary: string;
  readonly exits = new Exits();
  /** Pids of the execs by their ids; null of one that was not started. */
  readonly execs: Map<string, number | null>;
  /** Processes whose exit was told to everybody. */
  readonly told: Set<string>;
  /** Told to everybody: the task is gone. */
  readonly gone = Promise.withResolvers<void>();
  isGone = false;
  /** Whether the shim has made it. */
  made: boolean;
  /** Of the init; 0 for one in a virtual machine, and before it is made. */
  pid: number;
  /** Only a task that is there is known to clients; one that is being made or removed has its own keeper. */
  phase: 'making' | 'there' | 'ending' = 'making';
  /** Its shim is asked to delete it, and may have done so. */
  isDeleting = false;
  /** Tells in the place of its shim, after a while. */
  later: NodeJS.Timeout | undefined;
  /** Clears it away when its shim ends unasked. */
  watch: Disposable | undefined;
  line: Line | undefined;
  /** Of the shim, where it told. */
  shimPid = 0;

  constructor(
    { namespace, id }: TaskRef,
    record: Partial<TaskRecord> & Pick<TaskRecord, 'bundle' | 'binary'>,
  ) {
    this.namespace = namespace;
    this.id = id;
    this.bundle = record.bundle;
    this.binary = record.binary;
    this.made = record.made ?? false;
    this.pid = record.pid ?? 0;
    this.execs = new Map(Object.entries(record.execs ?? {}));
    this.told = new Set(record.told ?? []);
  }

  get record(): TaskRecord {
    const { bundle, binary, made, pid, execs, told } = this;
    return { bundle, binary, made, pid, execs: Object.fromEntries(execs), told: [...told] };
  }

  /** Whether it has a shim that lives. */
  get isServed(): boolean {
    return this.line !== undefined && !this.line.lease.connection.isGone;
  }

  attach(lease: Lease, version: Bootstrap['version']): Line {
    const { transport } = lease.connection;
    const calls = remoteTaskService(version === 2 ? asVersion2(transport) : transport, {
      namespace: this.namespace,
    });
    this.line = { lease, calls };
    return this.line;
  }

  /** An exec, once it is deleted: its id may be used again. */
  dropExec(execId: string): void {
    this.execs.delete(execId);
    this.told.delete(execId);
  }
}

export function taskKey({ namespace, id }: TaskRef): string {
  return `${namespace}/${id}`;
}
