import { mkdir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CallOptions,
  cleanLabels,
  compileFilters,
  Fault,
  KeyedLock,
  type Labels,
  type Logger,
  type Mount,
  silentLogger,
} from '@stowage/core';
import { type FileLock, tryLock } from '@stowage/linux';
import { Mounter } from '@stowage/linux/mounter';
import {
  type ActivateOptions,
  type Activation,
  activationExists,
  activationFields,
  activationNotFound,
  type MountBackend,
  type MountHandler,
  nothingToActivate,
  updatedActivationLabels,
  validateActivation,
} from '@stowage/mounts';
import { type Plan, planOf } from './plan.ts';
import { type ActivationRecord, readRecord, writeRecord } from './record.ts';
import { Workshop } from './workshop.ts';

export interface LocalMountManagerOptions {
  /** What makes mounts of types that the kernel does not know, by type. */
  readonly handlers?: ReadonlyMap<string, MountHandler> | undefined;
  /** Directories besides an activation's own mounts in which `mkdir/` and `mkfs/` may make something. Links in them are refused. */
  readonly roots?: readonly string[] | undefined;
  readonly log?: Logger | undefined;
}

const LEFT = 'mounts of an activation can not be undone; it will be tried at the next start';
/** Each activation has a directory with a number for its name: what a caller calls it becomes no path. */
const NUMBER = /^[1-9]\d{0,14}$/;

/**
 * Activations of one machine, without namespaces: each has a directory with its mounts and a record of them. The record
 * is written before the first mount, so that after a crash at any point what is there is either whole or undone.
 *
 * Disposing leaves all mounts where they are: whoever opens the directory next goes on with them.
 */
export class LocalMountManager implements MountBackend, AsyncDisposable {
  readonly #directory: string;
  readonly #held: FileLock;
  readonly #mounter: Mounter;
  readonly #workshop: Workshop;
  readonly #log: Logger;
  readonly #locks = new KeyedLock();
  readonly #activations = new Map<string, { readonly at: string; readonly record: ActivationRecord }>();
  #last = 0;

  private constructor(directory: string, held: FileLock, mounter: Mounter, workshop: Workshop, log: Logger) {
    this.#directory = directory;
    this.#held = held;
    this.#mounter = mounter;
    this.#workshop = workshop;
    this.#log = log;
  }

  /**
   * Opens a directory, or makes it, and undoes what a crash left half done or a reboot took away.
   *
   * @param directory - one that may go at reboot; mounts are made in it.
   * @throws Fault `failed_precondition` if somebody has it open.
   */
  static async open(
    directory: string,
    {
      handlers = new Map(),
      roots = [],
      log = silentLogger,
      signal,
    }: LocalMountManagerOptions & CallOptions = {},
  ): Promise<LocalMountManager> {
    signal?.throwIfAborted();
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const at = await realpath(directory);
    const held = tryLock(join(at, 'lock'));
    if (held === undefined)
      throw new Fault('failed_precondition', `open mounts in ${directory}: another process has them open`);
    const mounter = new Mounter();
    try {
      const manager = new LocalMountManager(
        at,
        held,
        mounter,
        new Workshop({ mounter, handlers, roots }),
        log,
      );
      await manager.#recover();
      return manager;
    } catch (e) {
      await mounter[Symbol.asyncDispose]();
      held[Symbol.dispose]();
      throw e;
    }
  }

  async activate(
    name: string,
    mounts: readonly Mount[],
    { labels = {}, temporary = false, signal }: ActivateOptions = {},
  ): Promise<Activation> {
    validateActivation(name, mounts, labels);
    using _lock = await this.#locks.acquire([name], signal);
    if (this.#activations.has(name)) throw activationExists(name);
    const plan = this.#plan(mounts, temporary);
    if (!plan.isNeeded) throw nothingToActivate();
    const at = join(this.#directory, `${++this.#last}`);
    const types = plan.active.map(({ type }) => type);
    const begun = { name, active: [], system: [], labels: cleanLabels(labels) };
    await mkdir(at, { mode: 0o700 });
    try {
      await writeRecord(at, { types, isWhole: false, activation: begun });
      const { active, system } = await this.#workshop.make(plan, at, { signal });
      const activation = { ...begun, active, system: temporary ? [bindOf(at, plan)] : system };
      const record = { types, isWhole: true, activation };
      await writeRecord(at, record);
      signal?.throwIfAborted();
      this.#activations.set(name, { at, record });
      return activation;
    } catch (e) {
      await this.#giveUp(at, types);
      throw e;
    }
  }

  isNeeded(
    mounts: readonly Mount[],
    { temporary = false }: Pick<ActivateOptions, 'temporary'> = {},
  ): boolean {
    return this.#plan(mounts, temporary).isNeeded;
  }

  async deactivate(name: string, { signal }: CallOptions = {}): Promise<void> {
    using _lock = await this.#locks.acquire([name], signal);
    const { at, record } = this.#find(name);
    await this.#workshop.undo(at, record.types, { signal });
    this.#activations.delete(name);
  }

  async info(name: string, { signal }: CallOptions = {}): Promise<Activation> {
    signal?.throwIfAborted();
    return this.#find(name).record.activation;
  }

  async update(
    name: string,
    labels: Labels,
    paths: readonly string[] = [],
    { signal }: CallOptions = {},
  ): Promise<Activation> {
    using _lock = await this.#locks.acquire([name], signal);
    const { at, record } = this.#find(name);
    const next = updatedActivationLabels(record.activation, labels, paths);
    const activation = { ...record.activation, labels: cleanLabels(next) };
    await writeRecord(at, { ...record, activation });
    this.#activations.set(name, { at, record: { ...record, activation } });
    return activation;
  }

  async *list(filters: readonly string[] = [], { signal }: CallOptions = {}): AsyncGenerator<Activation> {
    signal?.throwIfAborted();
    const matches = compileFilters(filters);
    for (const { record } of [...this.#activations.values()]) {
      signal?.throwIfAborted();
      if (matches(activationFields(record.activation))) yield record.activation;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mounter[Symbol.asyncDispose]();
    this.#held[Symbol.dispose]();
  }

  #plan(mounts: readonly Mount[], temporary: boolean): Plan {
    return planOf(mounts, (type) => this.#workshop.isHandled(type), temporary);
  }

  #find(name: string): { readonly at: string; readonly record: ActivationRecord } {
    const found = this.#activations.get(name);
    if (found === undefined) throw activationNotFound(name);
    return found;
  }

  /** The caller is told of what came before. */
  async #giveUp(at: string, types: readonly string[]): Promise<void> {
    try {
      await this.#workshop.undo(at, types, { isAbandoned: true });
    } catch (e) {
      this.#log.warn({ err: e, at }, LEFT);
    }
  }

  /** Nobody was told of what is half done, and what a reboot took is of no use: both go, whoever may be in there. */
  async #recover(): Promise<void> {
    const points = new Set((await this.#mounter.mounts()).map(({ mountPoint }) => mountPoint));
    for (const number of await readdir(this.#directory)) {
      if (!NUMBER.test(number)) continue;
      this.#last = Math.max(this.#last, Number(number));
      const at = join(this.#directory, number);
      try {
        const record = await readRecord(at);
        if (record?.isWhole && (await this.#workshop.isThere(record, points)))
          this.#activations.set(record.activation.name, { at, record });
        else {
          this.#log.info({ activation: record?.activation.name, at }, 'mounts that are not whole are undone');
          await this.#workshop.undo(at, record?.types ?? [], { isAbandoned: true });
        }
      } catch (e) {
        this.#log.warn({ err: e, at }, LEFT);
      }
    }
  }
}

/** What a temporary activation leaves to its caller: the last of its mounts, wherever it is wanted. */
function bindOf(at: string, { active }: Plan): Mount {
  return { type: 'bind', source: join(at, `${active.length - 1}`), target: '', options: ['rbind'] };
}
