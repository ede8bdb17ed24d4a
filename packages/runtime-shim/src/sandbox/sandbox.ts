import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Sandbox as SandboxService } from '@stowage/api/runtime/sandbox/v1';
import { Fault, unlessAbsent } from '@stowage/core';
import { replaceFile } from '@stowage/core/durable';
import { rpcClient } from '@stowage/rpc';
import type { TaskService } from '@stowage/runtime';
import { remoteTaskService } from '@stowage/runtime/remote';
import type { SandboxExit, SandboxRef } from '@stowage/sandboxes';
import type { Lease } from '../connections.ts';
import type { ShimIdentity } from '../shim-command.ts';
import type { Bootstrap } from '../start-answer.ts';
import { asVersion2 } from '../version-2.ts';

/** Beside what containerd keeps in a bundle. */
const RECORD = 'sandbox.json';

/** Where containers join a sandbox, and what cleans up after them. */
export interface SandboxEndpoint extends Bootstrap {
  readonly binary: string;
}

type SandboxCalls = ReturnType<typeof sandboxCalls>;

/** The line to the shim of a sandbox, and the calls over it. */
export interface SandboxLine {
  readonly lease: Lease;
  readonly bootstrap: Bootstrap;
  readonly calls: SandboxCalls;
  /** Every shim serves tasks, so that it can be ended even if it knows no sandboxes. */
  readonly tasks: TaskService;
}

/** What a later process must know of a sandbox. */
export interface SandboxRecord {
  readonly binary: string;
  readonly phase: 'making' | 'made' | 'started';
  /** Once somebody has heard of it. */
  readonly exit?: { readonly exitStatus: number; readonly exitedAt: string } | undefined;
}

/** One sandbox, as this process knows it. */
export class ShimSandbox implements SandboxRef, ShimIdentity {
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
  readonly binary: string;
  /** Resolves when nothing is left of it, with its exit. Rejects if this process leaves it to a later one. */
  readonly gone = Promise.withResolvers<SandboxExit>();
  /** Only one that is there is known to clients; one that is being made or removed has its own keeper. */
  phase: 'making' | 'there' | 'ending' = 'making';
  isMade = false;
  isStarted = false;
  /** Its shim is asked to end. */
  isShuttingDown = false;
  exit: SandboxExit | undefined;
  line: SandboxLine | undefined;
  /** Of the shim, where it told. */
  shimPid = 0;
  /** The one question for its end, however many wait. */
  asking: Promise<SandboxExit> | undefined;
  #saved: Promise<void> = Promise.resolve();

  constructor({ namespace, id }: SandboxRef, at: { readonly bundle: string; readonly binary: string }) {
    this.namespace = namespace;
    this.id = id;
    this.bundle = at.bundle;
    this.binary = at.binary;
    this.gone.promise.catch(() => {});
  }

  /** Whether it has a shim that lives. */
  get isServed(): boolean {
    return this.line !== undefined && !this.line.lease.connection.isGone;
  }

  attach(lease: Lease, bootstrap: Bootstrap): SandboxLine {
    const { namespace } = this;
    const { transport } = lease.connection;
    const calls = sandboxCalls(transport, namespace);
    const spoken = bootstrap.version === 2 ? asVersion2(transport) : transport;
    this.line = { lease, bootstrap, calls, tasks: remoteTaskService(spoken, { namespace }) };
    return this.line;
  }

  /** One write after another, each of what is so by then. */
  async save(): Promise<void> {
    const before = this.#saved;
    this.#saved = (async () => {
      await before.catch(() => {});
      const { binary, exit } = this;
      if (this.phase === 'ending') return;
      const phase = this.isStarted ? 'started' : this.isMade ? 'made' : 'making';
      const told = exit && { exitStatus: exit.exitStatus, exitedAt: exit.exitedAt.toISOString() };
      const record: SandboxRecord = { binary, phase, exit: told };
      await replaceFile(join(this.bundle, RECORD), JSON.stringify(record));
    })();
    await this.#saved;
  }
}

/** Undefined for a bundle without one: its shim was never started. @throws Fault `data_loss` if it is none. */
export async function readSandboxRecord(bundle: string): Promise<SandboxRecord | undefined> {
  const text = await unlessAbsent(readFile(join(bundle, RECORD), 'utf8'));
  if (text === undefined) return undefined;
  const { binary, phase, exit } = JSON.parse(text) as Partial<SandboxRecord>;
  if (typeof binary !== 'string' || phase === undefined) {
    throw new Fault('data_loss', `${join(bundle, RECORD)}: it is no record of a sandbox`);
  }
  return { binary, phase, exit };
}

function sandboxCalls(transport: Lease['connection']['transport'], namespace: string) {
  return rpcClient(SandboxService, transport, { namespace });
}

export function missingSandbox({ namespace, id }: SandboxRef): Fault {
  return new Fault('not_found', `sandbox ${id}: there is none in namespace ${namespace}`);
}
