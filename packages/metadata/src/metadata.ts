import type { ContainerStore } from '@stowage/containers';
import { type ContentStore, type ContentVerifier, storeFor } from '@stowage/content';
import { type CallOptions, Fault, type Logger, type Scope, type Slot, silentLogger } from '@stowage/core';
import type { Events } from '@stowage/events';
import type { GarbageInspector } from '@stowage/gc';
import { inspectorOver } from '@stowage/gc/inspect';
import type { ImageStore } from '@stowage/images';
import type { LeaseManager } from '@stowage/leases';
import type { MountBackend, MountManager } from '@stowage/mounts';
import type { NamespaceStore } from '@stowage/namespaces';
import type { OperationRecorder } from '@stowage/operations';
import type { SandboxStore } from '@stowage/sandboxes';
import type { Snapshotter } from '@stowage/snapshots';
import type { Checkable, Finding } from './check/finding.ts';
import { checkLive } from './check/live.ts';
import { containerStore } from './containers.ts';
import { namespacedContent } from './content/namespaced-content.ts';
import { namespacedVerifier } from './content/namespaced-verifier.ts';
import type { ContentSharing } from './content/sharing.ts';
import { Database } from './database/database.ts';
import { type Collected, type Collection, type CollectOptions, Collector } from './gc/collector.ts';
import { unknownSnapshots } from './gc/orphans.ts';
import { type ScheduleOptions, Scheduler } from './gc/scheduler.ts';
import { imageStore } from './images.ts';
import { recordedFacts } from './inspect/source.ts';
import { leaseManager } from './leases.ts';
import { Ledger } from './ledger/ledger.ts';
import { forgetLostMounts } from './mounts/forget-lost.ts';
import { namespacedMounts } from './mounts/namespaced-mounts.ts';
import { namespaceStore } from './namespaces.ts';
import { sandboxStore } from './sandboxes.ts';
import { validateScope } from './scope.ts';
import { namespacedSnapshotter } from './snapshots/namespaced-snapshotter.ts';
import { noSnapshotter } from './snapshots/records.ts';
import { withdraw } from './snapshots/withdraw.ts';

export interface MetadataOptions {
  /** The store of bytes that all namespaces share. */
  readonly content?: ContentStore | undefined;
  /** Whether namespaces get each other's blobs without sending them; `shared` unless told. */
  readonly contentSharing?: ContentSharing | undefined;
  /** Backends by the names that clients use. Asked at each use: what is put into it or taken from it later counts. */
  readonly snapshotters?: ReadonlyMap<string, Snapshotter> | undefined;
  /** What makes mounts that need more than the kernel. */
  readonly mounts?: MountBackend | undefined;
  /** Told what happens, in the order in which it was written. */
  readonly events?: Events | undefined;
  /** Told of garbage collections while they run. */
  readonly operations?: OperationRecorder | undefined;
  readonly log?: Logger | undefined;
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined;
  readonly now?: (() => Date) | undefined;
  /** Entries of the log of mutations that are kept; 100,000 unless told. None is kept for longer than a day. */
  readonly keepLog?: bigint | undefined;
  /** Looks for what tells that there was a database, before a new one is made. @returns what it found. */
  readonly evidence?: (() => Promise<string | undefined>) | undefined;
}

/** All there is in one scope. */
export interface MetadataView {
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  readonly sandboxes: SandboxStore;
  readonly leases: LeaseManager;
  /** Undefined where no content store was given. */
  readonly content: ContentStore | undefined;
  /** Undefined where `content` is. */
  readonly verifier: ContentVerifier | undefined;
  /** Undefined where no mount manager was given. */
  readonly mounts: MountManager | undefined;
  /** @throws Fault `invalid_argument` for a snapshotter that is not here; the message lists those that are. */
  snapshotter(name: string): Snapshotter;
}

/**
 * What the daemon remembers: namespaces, images, containers, sandboxes, leases, and which blobs and snapshots belong to
 * whom, over backends that know nothing of namespaces.
 *
 * Whatever was answered is on disk. A crash leaves each change done or undone. It refuses to open a database that has
 * lost anything, rather than forget quietly.
 */
export class Metadata implements Checkable, AsyncDisposable {
  readonly namespaces: NamespaceStore;
  readonly hasContent: boolean;
  readonly hasMounts: boolean;
  readonly #db: Database;
  readonly #ledger: Ledger;
  readonly #collector: Collector;
  readonly #log: Logger;
  readonly #contentSharing: ContentSharing;
  #scheduler: Scheduler | undefined;

  private constructor(
    db: Database,
    ledger: Ledger,
    log: Logger,
    contentSharing: ContentSharing,
    operations: OperationRecorder | undefined,
  ) {
    this.#db = db;
    this.#ledger = ledger;
    this.#log = log;
    this.#contentSharing = contentSharing;
    this.#collector = new Collector(ledger, operations);
    this.namespaces = namespaceStore(ledger);
    this.hasContent = ledger.backends.content !== undefined;
    this.hasMounts = ledger.backends.mounts !== undefined;
  }

  /**
   * Opens the database in `directory`, or makes it there, and undoes what a crash interrupted. It does not collect
   * garbage by itself: see {@link Metadata.schedule}.
   *
   * @throws Fault `data_loss` if it has lost anything, naming a copy of its files, or if it is gone; `failed_precondition`
   *   if somebody has it open; `unimplemented` if a newer Stowage wrote it.
   */
  static async open(directory: string, options: MetadataOptions = {}): Promise<Metadata> {
    const { content, contentSharing = 'shared', snapshotters = new Map() } = options;
    const { mounts, events, operations, keepLog, evidence } = options;
    const { log = silentLogger, now = () => new Date() } = options;
    options.signal?.throwIfAborted();
    const db = await Database.open(directory, { log, keepLog, now, evidence });
    const ledger = new Ledger(db, { content, snapshotters, mounts }, { log, now, events });
    try {
      await ledger.undoIntents();
      await forgetLostMounts(ledger);
      options.signal?.throwIfAborted();
      return new Metadata(db, ledger, log, contentSharing, operations);
    } catch (e) {
      await db[Symbol.asyncDispose]();
      throw e;
    }
  }

  /** Names of the snapshotters there are now. */
  get snapshotters(): readonly string[] {
    return [...this.#ledger.backends.snapshotters.keys()];
  }

  /** @throws Fault `failed_precondition` without a namespace; `invalid_argument` for one that is no identifier. */
  scope(scope: Scope): MetadataView {
    validateScope(scope);
    const ledger = this.#ledger;
    const { content: shared, snapshotters, mounts } = ledger.backends;
    const content = shared && storeFor(shared, scope.namespace);
    const collect = async () => void (await this.collect());
    return {
      images: imageStore(ledger, scope, collect),
      containers: containerStore(ledger, scope),
      sandboxes: sandboxStore(ledger, scope),
      leases: leaseManager(ledger, scope, collect),
      content: content && namespacedContent(ledger, scope, content, this.#contentSharing),
      verifier: content && namespacedVerifier(ledger, scope, content),
      mounts: mounts && namespacedMounts(ledger, scope, mounts),
      snapshotter: (name) => {
        const backend = snapshotters.get(name);
        if (backend === undefined) throw noSnapshotter(name, this.snapshotters);
        return namespacedSnapshotter({ ledger, scope, snapshotter: name, backend });
      },
    };
  }

  /** Tells what keeps things and what goes, of one namespace, or of all if it is empty. */
  inspector(scope: Scope): GarbageInspector {
    if (scope.namespace !== '') validateScope(scope);
    return inspectorOver(recordedFacts(this.#ledger, this.#collector), scope);
  }

  /** Goes through all of it; takes some seconds, and memory, for a hundred thousand records. Mutations go on. */
  check(options?: CallOptions): AsyncIterable<Finding> {
    return checkLive(this.#ledger, options);
  }

  /**
   * For taking a snapshotter in: what is in it that garbage collection would delete if it were the one of this name,
   * because nothing here names it. Most likely that is of another daemon.
   *
   * @returns how many snapshots, and the backend's name of one; undefined if there are none.
   * @throws what listing it throws.
   */
  unknownSnapshots(
    name: string,
    snapshotter: Snapshotter,
    options: CallOptions = {},
  ): Promise<{ readonly count: number; readonly first: string } | undefined> {
    return unknownSnapshots(this.#ledger, name, snapshotter, options);
  }

  /**
   * For taking a snapshotter away: runs `take` while no record names it and nobody can make a snapshot of it. What is
   * left to be deleted in it by garbage collection waits for a snapshotter of this name.
   *
   * @throws Fault `failed_precondition` saying how many snapshots and containers there are of it, and where; what `take`
   *   throws.
   */
  withdraw<T>(snapshotter: string, take: () => Promise<T>, options?: CallOptions): Promise<T> {
    return withdraw(this.#ledger, snapshotter, take, options);
  }

  /** Runs a whole garbage collection that begins after this call, backends included. */
  async collect(options?: CollectOptions): Promise<Collected> {
    return this.#collector.collect(options);
  }

  /** Has somebody told of each garbage collection from now on, who must not throw. */
  onCollected(listener: (collection: Collection) => void): Disposable {
    return this.#collector.onCollected(listener);
  }

  /** Collects garbage from now on, when containerd would. Dispose the result to stop. */
  schedule(options: ScheduleOptions = {}): AsyncDisposable {
    if (this.#scheduler !== undefined)
      throw new Fault('failed_precondition', 'garbage collection is scheduled already');
    const scheduler = new Scheduler(this.#collector, this.#ledger.now, options, this.#log);
    this.#scheduler = scheduler;
    this.#ledger.onGarbage(
      (removes) => scheduler.mutated(removes),
      (at) => scheduler.expires(at),
    );
    return {
      [Symbol.asyncDispose]: async () => {
        await scheduler[Symbol.asyncDispose]();
        this.#scheduler = undefined;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scheduler?.[Symbol.asyncDispose]();
    await this.#collector[Symbol.asyncDispose]();
    await this.#db[Symbol.asyncDispose]();
  }
}

export const metadataSlot: Slot<Metadata> = { type: 'io.containerd.metadata.v1', id: 'level', api: 1 };
