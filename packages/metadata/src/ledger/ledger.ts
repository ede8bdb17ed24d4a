import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Logger, reasonOf, unlessGone } from '@stowage/core';
import type { Envelope, Events } from '@stowage/events';
import type { MountBackend } from '@stowage/mounts';
import type { Snapshotter } from '@stowage/snapshots';
import type { Batch, BuildBatch } from '../database/commit-queue.ts';
import type { Database } from '../database/database.ts';
import { seal } from '../database/frame.ts';
import { listKey, listPrefix, rangeOf } from '../database/keys.ts';
import { batchOf, jsonBytes, jsonOf, type StoredIntent } from './intent.ts';
import { type LockSet, Locks } from './locks.ts';
import { Transaction } from './transaction.ts';

export interface Backends {
  readonly content: ContentStore | undefined;
  readonly snapshotters: ReadonlyMap<string, Snapshotter>;
  readonly mounts: MountBackend | undefined;
}

/** One writer's hold of a ref. */
export interface Claim {
  /** Called when the ingest is aborted under the writer. */
  onAborted: () => void;
}

/** Told of keys that became reachable while garbage collection is under way. */
export interface Witness {
  touch(keys: Iterable<string>): void;
}

/**
 * How everything in metadata is changed: locks, validation, the intent if a backend must act, the backend, one
 * batch with records and events, and then the news. A crash at any point leaves the mutation done or undone.
 */
export class Ledger {
  readonly db: Database;
  readonly locks = new Locks();
  readonly backends: Backends;
  readonly log: Logger;
  readonly now: () => Date;
  /** The ingests that somebody writes to, by key. */
  readonly openIngests = new Map<string, Claim>();
  readonly #events: Events | undefined;
  #outbox: Promise<void> = Promise.resolve();
  #witness: Witness | undefined;
  #onMutation: (removes: boolean) => void = () => undefined;
  #onExpiry: (at: Date) => void = () => undefined;

  constructor(
    db: Database,
    backends: Backends,
    options: { readonly log: Logger; readonly now: () => Date; readonly events: Events | undefined },
  ) {
    this.db = db;
    this.backends = backends;
    this.log = options.log;
    this.now = options.now;
    this.#events = options.events;
    db.onReopened(() => void this.undoIntents());
  }

  /**
   * Runs one mutation. `body` reads, validates, has a backend act, and gathers what is to be written, while the
   * locks are held.
   *
   * @throws what `body` throws, after its intent was undone; nothing of it is written then.
   * @throws Fault `unavailable` or `resource_exhausted` if the write failed.
   */
  async mutate<T>(
    locks: LockSet,
    body: (tx: Transaction) => Promise<T>,
    { signal }: CallOptions = {},
  ): Promise<T> {
    const { epoch } = this.db;
    const held = await this.locks.acquire(locks, signal);
    try {
      const tx = new Transaction(this.db, this.now, locks, async (build) => {
        signal?.throwIfAborted();
        const { seq } = await this.db.commit(epoch, (seq) => {
          // It may be left for later, and then still need what it was about.
          this.touch([...(locks.exclusive ?? []), ...(locks.shared ?? [])]);
          return build(seq);
        });
        return seq;
      });
      const result = await this.#run(tx, epoch, body);
      if (tx.isEmpty) this.touch(tx.touched);
      const told = tx.isEmpty ? undefined : await this.#commit(tx, epoch);
      held[Symbol.dispose]();
      await told?.published;
      if (told !== undefined) this.#onMutation(tx.removes);
      if (tx.expires !== undefined) this.#onExpiry(tx.expires);
      if (tx.refusal !== undefined) throw tx.refusal;
      return result;
    } finally {
      held[Symbol.dispose]();
    }
  }

  /**
   * Keeps objects from the collection under way, if there is one: somebody is told that they are there. Call before it is
   * looked whether they are.
   */
  touch(keys: Iterable<string>): void {
    this.#witness?.touch(keys);
  }

  /** Makes everything that becomes reachable known to a collection, until undefined is given. */
  observe(witness: Witness | undefined): void {
    this.#witness = witness;
  }

  /** Sets whom to tell that something was written, which may have removed something, and when something will expire. */
  onGarbage(mutated: (removes: boolean) => void, expires: (at: Date) => void): void {
    this.#onMutation = mutated;
    this.#onExpiry = expires;
  }

  /**
   * Undoes what was begun before a crash or a failed write. What can't be undone now stays for the next time.
   *
   * @param options - `ifFree`: leave alone what is under way, instead of waiting for it.
   */
  async undoIntents({ ifFree = false }: { readonly ifFree?: boolean } = {}): Promise<void> {
    try {
      for await (const [key, { payload }] of this.db.entries(rangeOf(listPrefix('intent')))) {
        const stored = jsonOf<StoredIntent>(payload);
        using held = ifFree ? this.locks.tryAcquire(stored.locks) : await this.locks.acquire(stored.locks);
        if (held !== undefined && (await this.db.has(key))) await this.#undo(key, stored, this.db.epoch);
      }
    } catch (e) {
      this.log.error({ err: e }, 'metadata could not undo what was begun before; it will try again');
    }
  }

  async #run<T>(tx: Transaction, epoch: number, body: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await body(tx);
    } catch (e) {
      const { intent } = tx;
      if (intent !== undefined) await this.#undo(intent.key, intent.stored, epoch);
      throw e;
    }
  }

  async #commit(tx: Transaction, epoch: number): Promise<{ readonly published: Promise<void> }> {
    const { events } = await this.db.commit(epoch, (seq) => {
      this.touch(tx.touched);
      return tx.batch(seq);
    });
    return { published: this.#publish(events) };
  }

  /** Mutations come here in the order of the log, because the queue settles them in that order. */
  #publish(envelopes: readonly Envelope[]): Promise<void> {
    const events = this.#events;
    if (events === undefined || envelopes.length === 0) return Promise.resolve();
    this.#outbox = this.#outbox.then(async () => {
      for (const envelope of envelopes) {
        try {
          await events.forward(envelope);
        } catch (e) {
          this.log.warn({ err: e, topic: envelope.topic }, 'an event could not be published');
        }
      }
    });
    return this.#outbox;
  }

  async #undo(key: string, { intent }: StoredIntent, epoch: number): Promise<void> {
    try {
      const batch = await this.#undoing(key, intent);
      if (batch === undefined) return;
      const { events } = await this.db.commit(epoch, batch);
      await this.#publish(events);
      this.#onMutation(true);
    } catch (e) {
      this.log.error(
        { err: e, act: intent.act, reason: reasonOf(e) },
        'an unfinished change is left for later',
      );
    }
  }

  /** What ends an intent: its bytes go to garbage collection, or the records follow what was done. */
  async #undoing(key: string, intent: StoredIntent['intent']): Promise<BuildBatch | undefined> {
    const ended = new Set([key]);
    switch (intent.act) {
      case 'make-blob':
        return (seq) => {
          const { digest, namespace } = intent;
          return garbageBatch(seq, ended, { kind: 'blob', digest, namespace });
        };
      case 'make-snapshot': {
        const { snapshotter, key: name } = intent;
        return (seq) => garbageBatch(seq, ended, { kind: 'snapshot', snapshotter, key: name });
      }
      case 'make-mounts': {
        // At once, and not by garbage collection: nobody else would want to find such mounts after a start.
        const { mounts } = this.backends;
        if (mounts === undefined) {
          this.log.warn({ key: intent.key }, 'mounts were being activated, but there is no mount manager');
          return undefined;
        }
        await unlessGone(mounts.deactivate(intent.key));
        return () => ({ puts: new Map(), deletes: ended, events: [] });
      }
      case 'label-snapshot': {
        const snapshotter = this.#snapshotter(intent.snapshotter);
        if (snapshotter === undefined) return undefined;
        await unlessGone(snapshotter.update(intent.key, intent.labels, intent.paths));
        return () => ({ puts: new Map(), deletes: ended, events: [] });
      }
      case 'commit-snapshot': {
        const snapshotter = this.#snapshotter(intent.snapshotter);
        if (snapshotter === undefined) return undefined;
        const done = (await unlessGone(snapshotter.stat(intent.name))) !== undefined;
        if (!done) return () => ({ puts: new Map(), deletes: ended, events: [] });
        const { puts, deletes, events } = batchOf(intent.forward);
        return () => {
          this.touch(puts.keys());
          return { puts, deletes: new Set([...deletes, key]), events };
        };
      }
    }
  }

  #snapshotter(name: string): Snapshotter | undefined {
    const snapshotter = this.backends.snapshotters.get(name);
    if (snapshotter === undefined)
      this.log.warn({ snapshotter: name }, 'a change to its snapshots is unfinished, but it is not here');
    return snapshotter;
  }
}

function garbageBatch(
  seq: bigint,
  deletes: ReadonlySet<string>,
  garbage: Parameters<typeof jsonBytes>[0],
): Batch {
  const key = listKey('garbage', seq, 0);
  return { puts: new Map([[key, seal(key, jsonBytes(garbage))]]), deletes, events: [] };
}
