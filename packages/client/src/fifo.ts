import { execFile } from 'node:child_process';
import { constants, open } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { Fault, reasonOf } from '@stowage/core';

const openFile = promisify(open);
const execute = promisify(execFile);

/** FIFOs in a private directory of their own. */
export interface Fifos extends AsyncDisposable {
  readonly path: (name: string) => string;
}

/**
 * Makes FIFOs that a container's process will be given by path. They must be on the daemon's machine. For no names,
 * nothing is made.
 *
 * Node has no mkfifo, so the program of that name is run once.
 *
 * @throws Fault `unavailable` if that can't be done here.
 */
export async function makeFifos(names: readonly string[], parent = tmpdir()): Promise<Fifos> {
  if (names.length === 0) return { path: () => '', async [Symbol.asyncDispose]() {} };
  let dir: string | undefined;
  try {
    // Made 0700.
    const made = await mkdtemp(join(parent, 'stowage-io-'));
    dir = made;
    await execute('mkfifo', ['-m', '600', ...names.map((name) => join(made, name))]);
    return {
      path: (name) => join(made, name),
      [Symbol.asyncDispose]: () => rm(made, { recursive: true, force: true }),
    };
  } catch (e) {
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
    throw new Fault('unavailable', `make FIFOs in ${parent}: ${reasonOf(e)}`, { cause: e });
  }
}

/**
 * Reads a FIFO to its end: when the last writer has gone. Opened without waiting for a writer, and polled, so that
 * it never occupies a thread.
 */
export async function readFifo(path: string): Promise<Readable> {
  const fd = await openFile(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

/** Writes a FIFO. Opened for both ways, which waits for nobody. */
export async function writeFifo(path: string): Promise<Writable> {
  const fd = await openFile(path, constants.O_RDWR | constants.O_NONBLOCK);
  return new Socket({ fd, readable: false, writable: true });
}
