import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '@stowage/core';
import { end, run } from '@stowage/testing';

export interface Injection {
  /** Names of system calls. */
  readonly calls: readonly string[];
  /** What they come to instead of being done, as strace has it: `error=EIO`, `retval=0`. */
  readonly instead: string;
  /** Which of each thread's calls, counted from the attachment: `3` the third, `3+` from then on. */
  readonly when: string;
}

/** strace on a running process, making system calls fail, or not happen. */
export class Strace implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #log: string;

  private constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.#log = log;
  }

  /** Settles when it holds the process. @param log - a file for what it has to say. */
  static async attach(pid: number, { calls, instead, when }: Injection, log: string): Promise<Strace> {
    const names = calls.join(',');
    const what = ['-e', `trace=${names}`, '-e', `inject=${names}:${instead}:when=${when}`];
    const args = ['-f', '-q', '-s', '0', '-o', log, ...what, '-p', String(pid)];
    const child = spawn('strace', args, { stdio: 'ignore' });
    const strace = new Strace(child, log);
    for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
      if (await isTraced(pid)) return strace;
      await sleep(10);
    }
    await strace[Symbol.asyncDispose]();
    throw new Error(`strace does not hold process ${pid}`);
  }

  /** How many calls were not done. */
  async injected(): Promise<number> {
    const text = await readFile(this.#log, 'utf8');
    return text.split('(INJECTED)').length - 1;
  }

  /** Lets the process go. */
  [Symbol.asyncDispose](): Promise<void> {
    return end(this.#child, 'SIGTERM');
  }
}

/** Why it can't be used; undefined if it can. */
export async function straceMissing(): Promise<string | undefined> {
  const args = ['-qq', '-o', '/dev/null', '-e', 'inject=getpid:error=EIO', 'true'];
  const tried = await run('strace', args).catch(() => undefined);
  if (tried === undefined) return 'no strace: install strace';
  return tried.code === 0 ? undefined : `strace can't trace: ${tried.stderr.trim()}`;
}

/** Whether each thread has a tracer. A process that is gone has none. */
async function isTraced(pid: number): Promise<boolean> {
  try {
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      const status = await readFile(`/proc/${pid}/task/${thread}/status`, 'utf8');
      if (/^TracerPid:\t0$/m.test(status)) return false;
    }
    return true;
  } catch (e) {
    if (errnoOf(e) === 'ENOENT' || errnoOf(e) === 'ESRCH') return false;
    throw e;
  }
}
