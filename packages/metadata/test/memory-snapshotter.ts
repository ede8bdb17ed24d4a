import { cleanLabels, compileFilters, Fault, type Labels, type Mount } from '@stowage/core';
import {
  type CommitSnapshotOptions,
  type PrepareOptions,
  type SnapshotInfo,
  type Snapshotter,
  snapshotFields,
  type Usage,
  updatedLabels,
} from '@stowage/snapshots';

/** A snapshotter without files. `gate` runs after each prepare, for tests of what happens meanwhile. */
export class MemorySnapshotter implements Snapshotter {
  readonly snapshots = new Map<string, SnapshotInfo>();
  /** Names by `containerd.io/snapshot.ref` of what it claims to have remotely. */
  readonly remote = new Set<string>();
  gate: () => Promise<void> = () => Promise.resolve();
  rebases = true;

  async stat(key: string): Promise<SnapshotInfo> {
    return this.#find(key);
  }

  async update(key: string, labels: Labels, paths?: readonly string[]): Promise<SnapshotInfo> {
    const info = this.#find(key);
    const next = { ...info, labels: updatedLabels(info.labels, labels, paths), updatedAt: new Date() };
    this.snapshots.set(key, next);
    return next;
  }

  async usage(key: string): Promise<Usage> {
    this.#find(key);
    return { sizeBytes: 0n, inodes: 1n };
  }

  async mounts(key: string): Promise<Mount[]> {
    if (this.#find(key).kind === 'committed')
      throw new Fault('failed_precondition', `mounts ${key}: committed`);
    return [{ type: 'bind', source: `/memory/${key}`, options: ['rw'] }];
  }

  async prepare(key: string, parent: string, options: PrepareOptions = {}): Promise<Mount[]> {
    const target = options.labels?.['containerd.io/snapshot.ref'];
    if (target !== undefined && this.remote.has(target)) {
      const name = `remote-${target}`;
      if (!this.snapshots.has(name)) this.#make(name, parent, 'committed', options.labels);
      throw new Fault('already_exists', `target ${target}: already here`);
    }
    this.#make(key, parent, 'active', options.labels);
    await this.gate();
    return this.mounts(key);
  }

  async view(key: string, parent: string, options: PrepareOptions = {}): Promise<Mount[]> {
    this.#make(key, parent, 'view', options.labels);
    return this.mounts(key);
  }

  async commit(name: string, key: string, { labels, parent }: CommitSnapshotOptions = {}): Promise<void> {
    const info = this.#find(key);
    if (info.kind !== 'active') throw new Fault('failed_precondition', `commit ${key}: it is ${info.kind}`);
    if (this.snapshots.has(name)) throw new Fault('already_exists', `snapshot ${name}: already exists`);
    if (parent !== undefined && !this.rebases) throw new Fault('unimplemented', `commit ${key}: no rebase`);
    this.snapshots.delete(key);
    this.#make(name, parent ?? info.parent, 'committed', labels);
    await this.gate();
  }

  async remove(key: string): Promise<void> {
    this.#find(key);
    for (const { parent } of this.snapshots.values())
      if (parent === key) throw new Fault('failed_precondition', `remove ${key}: it has children`);
    this.snapshots.delete(key);
  }

  async *list(filters: readonly string[] = []): AsyncGenerator<SnapshotInfo> {
    const matches = compileFilters(filters);
    for (const info of this.snapshots.values()) if (matches(snapshotFields(info))) yield info;
  }

  async cleanup(): Promise<void> {
    throw new Fault('unimplemented', 'cleanup: nothing is ever left');
  }

  #make(key: string, parent: string, kind: SnapshotInfo['kind'], labels: Labels = {}): void {
    if (this.snapshots.has(key)) throw new Fault('already_exists', `snapshot ${key}: already exists`);
    if (parent !== '' && this.#find(parent).kind !== 'committed')
      throw new Fault('invalid_argument', `parent ${parent}: not committed`);
    const at = new Date();
    this.snapshots.set(key, {
      name: key,
      parent,
      kind,
      labels: cleanLabels(labels),
      createdAt: at,
      updatedAt: at,
    });
  }

  #find(key: string): SnapshotInfo {
    const info = this.snapshots.get(key);
    if (info === undefined) throw new Fault('not_found', `snapshot ${key}: not found`);
    return info;
  }
}
