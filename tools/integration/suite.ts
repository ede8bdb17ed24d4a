import { randomUUID } from 'node:crypto';
import { glob, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { unlessAbsent } from '@stowage/core';
import {
  type Census,
  cgroupsOf,
  Daemon,
  type DaemonOptions,
  filesLeft,
  leaks,
  takeCensus,
} from '@stowage/testing';

/** What the tests of one file share. */
export interface Suite {
  readonly dir: string;
  /** Done before it is looked at what is left, last come first. */
  before(cleanUp: () => Promise<void>): void;
  /** Of the file's own, so that files can run beside each other. Commands run in it unless they are told another. */
  readonly namespace: string;
  readonly daemon: Daemon;
}

/** What was ended is gone a moment later. */
const SETTLED_MS = 5000;

/**
 * Starts a daemon for the tests of a file, and fails the file if they left anything behind: mounts, processes, cgroups,
 * sockets, loop devices, descriptors. What other files leave or have meanwhile is no concern of it.
 */
export function withDaemon(name: string, options: Omit<DaemonOptions, 'dir'> = {}): Suite {
  const suite = withTempDir(name);
  let daemon: Daemon | undefined;
  beforeAll(async () => {
    daemon = await Daemon.start({ dir: suite.dir, ...options });
  });
  suite.before(async () => {
    if (daemon === undefined) return;
    const { root, state } = daemon;
    const files = await settled(() => filesLeft(root, state));
    await daemon[Symbol.asyncDispose]();
    if (files.length > 0) throw new Error(`left on disk:\n${files.join('\n')}`);
  });
  return {
    get dir() {
      return suite.dir;
    },
    namespace: suite.namespace,
    before: suite.before,
    get daemon() {
      if (daemon === undefined) throw new Error('the daemon is not started yet');
      return daemon;
    },
  };
}

/** A folder and a namespace for the tests of a file, and the census around them. */
export function withTempDir(name: string): {
  readonly dir: string;
  readonly namespace: string;
  before(cleanUp: () => Promise<void>): void;
} {
  const namespace = `t${randomUUID().slice(0, 8)}`;
  process.env.CONTAINERD_NAMESPACE = namespace;
  let dir: string | undefined;
  let census: Census | undefined;
  const cleanUps: Array<() => Promise<void>> = [];
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), `${name}-`));
    census = await takeCensus({ dir, namespace });
  });
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
    if (dir === undefined || census === undefined) return;
    const [before, grounds] = [census, { dir, namespace }];
    const left = await settled(async () => leaks(before, await takeCensus(grounds)));
    if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
    await rm(dir, { recursive: true, force: true });
    await removeCgroups(namespace);
  });
  return {
    get dir() {
      if (dir === undefined) throw new Error('the folder is not made yet');
      return dir;
    },
    namespace,
    before: (cleanUp) => void cleanUps.push(cleanUp),
  };
}

/** Waits for nothing to be left. @returns what is left all the same. */
async function settled(look: () => Promise<string[]>): Promise<string[]> {
  const deadline = Date.now() + SETTLED_MS;
  for (;;) {
    const left = await look();
    if (left.length === 0 || Date.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Those of the namespace itself, which runc and containerd leave. */
async function removeCgroups(namespace: string): Promise<void> {
  for await (const path of glob(cgroupsOf(namespace))) await unlessAbsent(rmdir(path));
}
