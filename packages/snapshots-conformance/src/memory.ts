import {
  type CallOptions,
  cleanLabels,
  compileFilters,
  Fault,
  LABEL,
  type Labels,
  type Mount,
  quote,
  validateLabels,
} from '@stowage/core';
import {
  type CommitSnapshotOptions,
  type PrepareOptions,
  type SnapshotInfo,
  type SnapshotKind,
  type Snapshotter,
  snapshotFields,
  type Usage,
  updatedLabels,
} from '@stowage/snapshots';

interface Held {
  readonly id: number;
  readonly info: SnapshotInfo;
}

export interface MemoryOptions {
  /** Commits onto a parent that is given at commit. */
  readonly rebase?: boolean | undefined;
  /** Chain ids of snapshots that it has without their being made, as a remote snapshotter does. */
  readonly remote?: ReadonlySet<string> | undefined;
}

/**
 * A snapshotter without files: its mounts lead nowhere. For tests of what sits on top of a snapshotter, and as the
 * shortest example of one.
 */
export class MemorySnapshotter implements Snapshotter {
  readonly #held = new Map<string, Held>();
  readonly #rebase: boolean;
  readonly #remote: ReadonlySet<string>;
  #lastId = 0;

  constructor({ rebase = false, remote = new Set() }: MemoryOptions = {}) {
    this.#rebase = rebase;
    this.#remote = remote;
  }

  async stat(key: string, { signal }: CallOptions = {}): Promise<SnapshotInfo> {
    signal?.throwIfAborted();
    return this.#get(key).info;
  }

  async update(
    key: string,
    labels: Labels,
    paths?: readonly string[],
    { signal }: CallOptions = {},
  ): Promise<SnapshotInfo> {
    signal?.throwIfAborted();
    const held = this.#get(key);
    const next = updatedLabels(held.info.labels, labels, paths);
    validateLabels(next);
    const info = { ...held.info, labels: next, updatedAt: new Date() };
    this.#held.set(key, { ...held, info });
    return info;
  }

  async usage(key: string, { signal }: CallOptions = {}): Promise<Usage> {
    signal?.throwIfAborted();
    this.#get(key);
    return { sizeBytes: 0n, inodes: 0n };
  }

  async mounts(key: string, { signal }: CallOptions = {}): Promise<Mount[]> {
    signal?.throwIfAborted();
    const held = this.#get(key);
    if (held.info.kind === 'committed') {
      throw new Fault('failed_precondition', `mounts of snapshot ${quote(key)}: it is committed`);
    }
    return mountsOf(held);
  }

  async prepare(key: string, parent: string, options: PrepareOptions = {}): Promise<Mount[]> {
    const target = options.labels?.[LABEL.snapshotRef] ?? '';
    if (!this.#remote.has(target)) return this.#create('active', key, parent, options);
    if (!this.#held.has(target)) {
      this.#create('active', key, parent, options);
      await this.commit(target, key, options);
    }
    throw new Fault('already_exists', `snapshot ${quote(target)}: is there already`);
  }

  async view(key: string, parent: string, options?: PrepareOptions): Promise<Mount[]> {
    return this.#create('view', key, parent, options);
  }

  async commit(name: string, key: string, options: CommitSnapshotOptions = {}): Promise<void> {
    const { labels = {}, parent = '', signal } = options;
    signal?.throwIfAborted();
    if (parent !== '' && !this.#rebase)
      throw new Fault('unimplemented', `commit snapshot ${quote(key)}: no rebase`);
    this.#requireFree(name);
    validateLabels(labels);
    const held = this.#get(key);
    if (held.info.kind !== 'active') {
      throw new Fault('failed_precondition', `commit snapshot ${quote(key)}: it is not active`);
    }
    if (parent !== '') this.#requireCommitted(parent);
    const now = new Date();
    const info = { ...held.info, name, kind: 'committed' as const, labels: cleanLabels(labels) };
    const moved = { ...info, parent: parent || info.parent, createdAt: now, updatedAt: now };
    this.#held.delete(key);
    this.#held.set(name, { ...held, info: moved });
  }

  async remove(key: string, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#get(key);
    for (const { info } of this.#held.values()) {
      if (info.parent === key) {
        throw new Fault(
          'failed_precondition',
          `remove snapshot ${quote(key)}: ${quote(info.name)} is based on it`,
        );
      }
    }
    this.#held.delete(key);
  }

  async *list(filters: readonly string[] = [], { signal }: CallOptions = {}): AsyncGenerator<SnapshotInfo> {
    const matches = compileFilters(filters);
    signal?.throwIfAborted();
    for (const { info } of [...this.#held.values()]) if (matches(snapshotFields(info))) yield info;
  }

  async cleanup({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    throw new Fault('unimplemented', 'cleanup: nothing is ever left behind');
  }

  #create(
    kind: Exclude<SnapshotKind, 'committed'>,
    key: string,
    parent: string,
    { labels = {}, signal }: PrepareOptions = {},
  ): Mount[] {
    signal?.throwIfAborted();
    if (parent !== '') this.#requireCommitted(parent);
    this.#requireFree(key);
    validateLabels(labels);
    const now = new Date();
    const info = { name: key, parent, kind, labels: cleanLabels(labels), createdAt: now, updatedAt: now };
    const held = { id: ++this.#lastId, info };
    this.#held.set(key, held);
    return mountsOf(held);
  }

  #get(key: string): Held {
    const held = this.#held.get(key);
    if (held === undefined) throw new Fault('not_found', `snapshot ${quote(key)}: not found`);
    return held;
  }

  #requireCommitted(parent: string): void {
    if (this.#get(parent).info.kind === 'committed') return;
    throw new Fault('invalid_argument', `parent snapshot ${quote(parent)} is not committed`);
  }

  #requireFree(name: string): void {
    if (name === '') throw new Fault('invalid_argument', 'a snapshot must have a name');
    if (this.#held.has(name)) throw new Fault('already_exists', `snapshot ${quote(name)}: already exists`);
  }
}

function mountsOf({ id, info }: Held): Mount[] {
  const access = info.kind === 'active' ? 'rw' : 'ro';
  return [{ type: 'bind', source: `/nowhere/${id}`, target: '', options: [access, 'rbind'] }];
}
