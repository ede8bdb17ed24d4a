import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Digest } from '@stowage/core';
import { end } from '@stowage/testing';
import { stopped } from './processes.ts';
import type { Yard } from './yard.ts';

export interface PeersEnd {
  /** `last`: told all events; else why it was not. */
  readonly subscribers: ReadonlyArray<{ readonly events: number; readonly end: string }>;
  readonly bytes: readonly number[];
}

/** Subscribers and readers of a blob, as many of one as of the other, in a process that is stopped. */
export class SlowPeers implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('the slow peers have no output');
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Settles when all of them have begun, and are stopped. */
  static async stopped(yard: Yard, digest: Digest, count: number): Promise<SlowPeers> {
    const script = join(import.meta.dirname, 'slow-peers-main.ts');
    const options = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning', script];
    const args = [...options, yard.daemon.address, yard.namespace, digest, String(count)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const peers = new SlowPeers(child);
    try {
      const { value } = await peers.#lines.next();
      if (value !== 'open') throw new Error(`slow peers: ${value}`);
      child.kill('SIGSTOP');
      await stopped(Number(child.pid));
      return peers;
    } catch (e) {
      await peers[Symbol.asyncDispose]();
      throw e;
    }
  }

  /** Lets them go on, to their ends. */
  async goOn(): Promise<PeersEnd> {
    this.#child.kill('SIGCONT');
    const { value } = await this.#lines.next();
    const ended = JSON.parse(String(value)) as PeersEnd;
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    return ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return end(this.#child, 'SIGKILL');
  }
}
