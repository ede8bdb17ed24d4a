import { execFile } from 'node:child_process';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CallOptions, Fault } from '@stowage/core';
import type { LayerDriver } from '@stowage/snapshots-store';

/** Where the files of a snapshot are, in the directory that it has to itself. */
const filesOf = (directory: string): string => join(directory, 'fs');

/** Every snapshot is a copy of its parent. Where the file system shares blocks (xfs, btrfs), a copy takes little room. */
export const copies: LayerDriver = {
  async make(directory, below, _info, options) {
    const files = filesOf(directory);
    if (below !== undefined) {
      await command('cp', ['--archive', '--reflink=auto', filesOf(below), directory], options);
    } else {
      await mkdir(files);
      await chmod(files, 0o755);
    }
    // A snapshot that is recorded has its files, after a power cut too.
    await this.sync(directory, options);
  },

  mounts({ id, info }, pathOf) {
    const access = info.kind === 'active' ? 'rw' : 'ro';
    return [{ type: 'bind', source: filesOf(pathOf(id)), options: ['rbind', access] }];
  },

  async usage(directory, options) {
    const files = filesOf(directory);
    const size = await command('du', ['--summarize', '--bytes', files], options);
    const inodes = await command('du', ['--summarize', '--inodes', files], options);
    return { sizeBytes: BigInt(Number.parseInt(size, 10)), inodes: BigInt(Number.parseInt(inodes, 10)) };
  },

  async sync(directory, options) {
    await command('sync', ['--file-system', filesOf(directory)], options);
  },

  remove: (directory) => rm(directory, { recursive: true, force: true }),

  async [Symbol.asyncDispose]() {},
};

const run = promisify(execFile);

async function command(file: string, args: readonly string[], { signal }: CallOptions): Promise<string> {
  try {
    const { stdout } = await run(file, args, { signal });
    return stdout;
  } catch (e) {
    // Whoever gave up is told so by its own reason.
    signal?.throwIfAborted();
    const full = /No space left on device/.test((e as Error).message);
    throw new Fault(full ? 'resource_exhausted' : 'unknown', (e as Error).message, { cause: e });
  }
}
