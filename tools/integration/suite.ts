import { afterAll, beforeAll } from '@jest/globals';
import {
  type Census,
  Daemon,
  type DaemonOptions,
  filesLeft,
  leaks,
  type TempDir,
  takeCensus,
  tempDir,
} from '@stowage/testing';

/** What the tests of one file share. */
export interface Suite {
  readonly dir: string;
  readonly daemon: Daemon;
}

/**
 * Starts a daemon for the tests of a file, and fails the file if they left anything behind on the machine: mounts,
 * processes, cgroups, sockets, descriptors.
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
    let files = await filesLeft(root, state);
    // What was removed is deleted a moment later.
    for (let tries = 0; files.length > 0 && tries < 50; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      files = await filesLeft(root, state);
    }
    await daemon[Symbol.asyncDispose]();
    if (files.length > 0) throw new Error(`left on disk:\n${files.join('\n')}`);
  });
  return {
    get dir() {
      return suite.dir;
    },
    get daemon() {
      if (daemon === undefined) throw new Error('the daemon is not started yet');
      return daemon;
    },
  };
}

/** A folder for the tests of a file, and the census around them. */
export function withTempDir(name: string): {
  readonly dir: string;
  before(cleanUp: () => Promise<void>): void;
} {
  let temp: TempDir | undefined;
  let census: Census | undefined;
  const cleanUps: Array<() => Promise<void>> = [];
  beforeAll(async () => {
    census = await takeCensus();
    temp = await tempDir(name);
  });
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
    await temp?.[Symbol.asyncDispose]();
    if (census === undefined) return;
    const left = leaks(census, await takeCensus());
    if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
  });
  return {
    get dir() {
      if (temp === undefined) throw new Error('the folder is not made yet');
      return temp.path;
    },
    before: (cleanUp) => void cleanUps.push(cleanUp),
  };
}
