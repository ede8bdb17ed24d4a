import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mount } from '@stowage/core';
import { Mounter } from '@stowage/linux/mounter';
import { Unpacker, type UnpackerOptions, type UnpackOptions } from '../src/unpacker.ts';

/** A directory for one test, and an unpacker that unpacks below it. */
export class Workspace implements AsyncDisposable {
  readonly root: string;
  readonly unpacker: Unpacker;
  readonly mounter = new Mounter();
  #count = 0;

  private constructor(root: string, unpacker: Unpacker) {
    this.root = root;
    this.unpacker = unpacker;
  }

  static async open(options: Partial<UnpackerOptions> = {}): Promise<Workspace> {
    const root = await mkdtemp(join(tmpdir(), 'stowage-diff-'));
    return new Workspace(root, await Unpacker.open({ jail: join(root, 'jail'), ...options }));
  }

  async directory(name: string): Promise<string> {
    const path = join(this.root, name);
    await mkdir(path, { recursive: true });
    return path;
  }

  /** An empty directory as a bind mount, as a snapshotter gives for a layer without parents. */
  async bind(name = `bind${++this.#count}`): Promise<{ path: string; mounts: Mount[] }> {
    const path = await this.directory(name);
    return { path, mounts: [{ type: 'bind', source: path, options: ['rbind', 'rw'] }] };
  }

  /** An overlay over directories, the topmost first. */
  async overlay(...lowers: string[]): Promise<{ upper: string; mounts: Mount[] }> {
    const id = ++this.#count;
    const upper = await this.directory(`upper${id}`);
    const work = await this.directory(`work${id}`);
    const options = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lowers.join(':')}`];
    return { upper, mounts: [{ type: 'overlay', source: 'overlay', options }] };
  }

  apply(mounts: readonly Mount[], archive: Uint8Array, options?: UnpackOptions) {
    return this.unpacker.unpack(mounts, () => pieces(archive), options);
  }

  /** What mounting shows afterwards, in this process's own namespace. */
  see<T>(mounts: readonly Mount[], look: (path: string) => Promise<T>): Promise<T> {
    return this.mounter.withMount(mounts, look, { directory: this.root });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unpacker[Symbol.asyncDispose]();
    await this.mounter[Symbol.asyncDispose]();
    await rm(this.root, { recursive: true });
  }
}

/** Bytes in pieces that fit no boundary. */
export async function* pieces(bytes: Uint8Array, size = 70_001): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
