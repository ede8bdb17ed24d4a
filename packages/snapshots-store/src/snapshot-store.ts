import {
  type CallOptions,
  cleanLabels,
  compileFilters,
  Fault,
  KeyedLock,
  type Labels,
  type Logger,
  quote,
  silentLogger,
  validateLabels,
} from '@stowage/core';
import { type SnapshotKind, snapshotFields, type Usage, updatedLabels } from '@stowage/snapshots';
import { Census } from './census.ts';
import { type Entry, entryOf } from './entry.ts';
import { Ledger } from './ledger.ts';
import { decodeRecord, encodeRecord, type StoredSnapshot } from './record.ts';

const NO_USAGE: Usage = { sizeBytes: 0n, inodes: 0n };

export interface StoreOptions {
  readonly log?: Logger | undefined;
}

export interface CreateOptions extends CallOptions {
  readonly labels?: Labels | undefined;
  /**
   * Makes the snapshot's files. Runs after all checks and before the snapshot is recorded, while its key and parent
   * are locked. When it settles, what it made must survive a power cut. If it throws, nothing is recorded; if
   * `create` throws though this has settled, it is unknown whether it was recorded, and the files must stay.
   */
  readonly make?: ((snapshot: StoredSnapshot, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

export interface CommitOptions extends CallOptions {
  readonly labels?: Labels | undefined;
  /** Becomes the parent of a snapshot that was made without one. Only if its files say what they do to a parent. */
  readonly parent?: string | undefined;
  /**
   * Writes the snapshot's files out and measures them. Runs after all checks and before the commit is recorded, while
   * key and name are locked. If it throws, the snapshot stays active.
   */
  readonly seal?: ((snapshot: StoredSnapshot, signal: AbortSignal | undefined) => Promise<Usage>) | undefined;
}

/**
 * Remembers which snapshots there are; the bytes are the author's. Every change is on disk when it settles.
 *
 * An author who makes files in `make`, writes them out in `seal`, and deletes them only after `remove` has settled
 * has this for all crashes and power cuts: **a snapshot that is recorded has its files**. What may be left over is
 * files without a snapshot, which `orphans` tells at the next start.
 *
 * A failed write leaves it open whether it happened: keep the files, and let `orphans` decide later.
 */
export class SnapshotStore implements AsyncDisposable {
  readonly #ledger: Ledger;
  readonly #census: Census;
  readonly #locks = new KeyedLock();

  private constructor(ledger: Ledger, census: Census) {
    this.#ledger = ledger;
    this.#census = census;
  }

  /**
   * Opens the index in a directory of its own, or makes it there.
   *
   * @throws Fault `failed_precondition` if another process has it open; `data_loss` if it is damaged.
   */
  static async open(dir: string, { log = silentLogger }: StoreOptions = {}): Promise<SnapshotStore> {
    const census = new Census();
    const ledger = await Ledger.open(dir, log, () => {
      const found = new Census();
      return {
        entry: (key, text) => found.add(decodeRecord(key, text)),
        end: () => census.replace(found),
      };
    });
    return new SnapshotStore(ledger, census);
  }

  /** @throws Fault `not_found` */
  async get(key: string, { signal }: CallOptions = {}): Promise<StoredSnapshot> {
    signal?.throwIfAborted();
    const found = await this.#find(key);
    signal?.throwIfAborted();
    return found.snapshot;
  }

  /**
   * Records an active snapshot or a view.
   *
   * @throws Fault `not_found` or `invalid_argument` if the parent is missing or not committed; `already_exists`
   */
  async create(
    kind: Exclude<SnapshotKind, 'committed'>,
    key: string,
    parent: string,
    { labels = {}, make, signal }: CreateOptions = {},
  ): Promise<StoredSnapshot> {
    requireName(key, 'key');
    validateLabels(labels);
    using _ = await this.#locks.acquire(parent === '' ? [key] : [key, parent], signal);
    const parentIds = parent === '' ? [] : await this.#parentIds(parent);
    if ((await this.#ledger.get(key)) !== undefined) throw exists(key);
    const now = new Date();
    const snapshot: StoredSnapshot = {
      id: this.#ledger.takeId(),
      parentIds,
      info: { name: key, parent, kind, labels: cleanLabels(labels), createdAt: now, updatedAt: now },
      usage: NO_USAGE,
    };
    using _making = this.#census.making(snapshot.id);
    // An abort after this is too late: only a write that failed may keep what `make` made from being recorded.
    await make?.(snapshot, signal);
    await this.#ledger.write([{ key, before: undefined, after: entryFor(snapshot) }]);
    this.#census.add(snapshot);
    return snapshot;
  }

  /**
   * Records an active snapshot as committed under a name. Its labels are those given now, not those it had.
   *
   * @throws Fault `already_exists`; `not_found`, also of the parent; `failed_precondition` if it is not active, or the
   *   parent not committed; `invalid_argument` if it has another parent already
   * @see containerd core/snapshots/storage/bolt.go CommitActive
   */
  async commit(
    name: string,
    key: string,
    { labels = {}, parent: wanted = '', seal, signal }: CommitOptions = {},
  ): Promise<StoredSnapshot> {
    requireName(name, 'name');
    validateLabels(labels);
    using _ = await this.#locks.acquire([key, name, ...(wanted === '' ? [] : [wanted])], signal);
    if ((await this.#ledger.get(name)) !== undefined) throw exists(name);
    const { snapshot: active, entry } = await this.#find(key);
    if (active.info.kind !== 'active') {
      throw new Fault(
        'failed_precondition',
        `commit snapshot ${quote(key)}: it is ${KIND_NAMES[active.info.kind]}, only an active one can be committed`,
      );
    }
    const snapshot = await this.#rebased(active, wanted);
    const usage = (await seal?.(snapshot, signal)) ?? NO_USAGE;
    signal?.throwIfAborted();
    const now = new Date();
    const committed: StoredSnapshot = {
      ...snapshot,
      info: {
        ...snapshot.info,
        name,
        kind: 'committed',
        labels: cleanLabels(labels),
        createdAt: now,
        updatedAt: now,
      },
      usage,
    };
    await this.#ledger.write([
      { key, before: entry, after: undefined },
      { key: name, before: undefined, after: entryFor(committed) },
    ]);
    this.#census.move(active, committed);
    return committed;
  }

  /**
   * Forgets a snapshot. Its files are the caller's to delete, now that this has settled.
   *
   * @throws Fault `not_found`; `failed_precondition` if it has children
   */
  async remove(key: string, { signal }: CallOptions = {}): Promise<StoredSnapshot> {
    using _ = await this.#locks.acquire([key], signal);
    const { snapshot, entry } = await this.#find(key);
    const children = this.#census.childrenOf(snapshot.id);
    if (children > 0) {
      throw new Fault(
        'failed_precondition',
        `remove snapshot ${quote(key)}: ${children === 1 ? 'another is' : `${children} others are`} based on it; remove those first`,
      );
    }
    signal?.throwIfAborted();
    await this.#ledger.write([{ key, before: entry, after: undefined }]);
    this.#census.remove(snapshot);
    return snapshot;
  }

  /** @throws Fault `not_found`; `invalid_argument` for a path that is not of labels */
  async update(
    key: string,
    labels: Labels,
    paths?: readonly string[],
    { signal }: CallOptions = {},
  ): Promise<StoredSnapshot> {
    using _ = await this.#locks.acquire([key], signal);
    const { snapshot, entry } = await this.#find(key);
    const next = updatedLabels(snapshot.info.labels, labels, paths);
    validateLabels(next);
    signal?.throwIfAborted();
    const updated = { ...snapshot, info: { ...snapshot.info, labels: next, updatedAt: new Date() } };
    await this.#ledger.write([{ key, before: entry, after: entryFor(updated) }]);
    return updated;
  }

  /**
   * All that match any of the filters, by name, as of one moment.
   *
   * @throws Fault `invalid_argument` for a filter that can't be parsed
   */
  async *list(filters: readonly string[] = [], { signal }: CallOptions = {}): AsyncGenerator<StoredSnapshot> {
    const matches = compileFilters(filters);
    signal?.throwIfAborted();
    for await (const { key, text } of this.#ledger.entries()) {
      signal?.throwIfAborted();
      const snapshot = decodeRecord(key, text);
      if (matches(snapshotFields(snapshot.info))) yield snapshot;
    }
  }

  /**
   * Compares what the author finds on disk with what is recorded.
   *
   * @param found - Ids for which there are files.
   * @returns `orphans`: found but neither recorded nor in the making, so they may be deleted; `missing`: recorded but
   *   not found, which is a loss.
   */
  async reconcile(found: Iterable<number>): Promise<{ orphans: number[]; missing: StoredSnapshot[] }> {
    const present = new Set(found);
    // Waits for the database: after a failed write it must say first whether the write happened.
    await this.#ledger.ready();
    const orphans = [...present].filter((id) => !this.#census.knows(id));
    const lost = new Set(this.#census.ids().filter((id) => !present.has(id)));
    const missing: StoredSnapshot[] = [];
    if (lost.size > 0) for await (const one of this.list()) if (lost.has(one.id)) missing.push(one);
    return { orphans, missing };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ledger.close();
  }

  async #find(key: string): Promise<{ snapshot: StoredSnapshot; entry: Entry }> {
    const entry = await this.#ledger.get(key);
    if (entry === undefined) throw new Fault('not_found', `snapshot ${quote(key)}: not found`);
    return { snapshot: decodeRecord(key, entry.text), entry };
  }

  async #rebased(active: StoredSnapshot, parent: string): Promise<StoredSnapshot> {
    const { name, parent: had } = active.info;
    if (parent === '' || parent === had) return active;
    if (had !== '') {
      const message = `commit snapshot ${quote(name)} onto ${quote(parent)}: its parent is ${quote(had)}`;
      throw new Fault('invalid_argument', message);
    }
    const parentIds = await this.#parentIds(parent, 'failed_precondition');
    return { ...active, parentIds, info: { ...active.info, parent } };
  }

  async #parentIds(
    parent: string,
    otherwise: 'invalid_argument' | 'failed_precondition' = 'invalid_argument',
  ): Promise<number[]> {
    const { snapshot } = await this.#find(parent);
    if (snapshot.info.kind !== 'committed') {
      throw new Fault(
        otherwise,
        `parent snapshot ${quote(parent)} is ${KIND_NAMES[snapshot.info.kind]}; only a committed one can be a parent`,
      );
    }
    return [snapshot.id, ...snapshot.parentIds];
  }
}

const KIND_NAMES: Readonly<Record<SnapshotKind, string>> = {
  active: 'active',
  view: 'a view',
  committed: 'committed already',
};

function entryFor(snapshot: StoredSnapshot): Entry {
  return entryOf(snapshot.info.name, encodeRecord(snapshot));
}

function exists(name: string): Fault {
  return new Fault('already_exists', `snapshot ${quote(name)}: already exists`);
}

function requireName(name: string, what: string): void {
  if (name === '') throw new Fault('invalid_argument', `the ${what} of a snapshot must not be empty`);
  // Stored as UTF-8, in which all lone surrogates are one and the same.
  if (!name.isWellFormed())
    throw new Fault('invalid_argument', `${what} ${quote(name)} is not valid Unicode`);
}
