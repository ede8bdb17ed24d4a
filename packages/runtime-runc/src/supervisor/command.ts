import { open, unlink, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CallOptions, errnoOf, Fault, reasonOf } from '@stowage/core';
import { hasCode, pidfdSendSignal } from '@stowage/linux';
import { reapKnown } from '@stowage/linux/reap';
import { spawnProcess } from '@stowage/linux/spawn';
import type { Reaper, WatchedProcess } from './reaper.ts';

/** Descriptors that the command gets as 0, 1 and 2; null is /dev/null. */
export type CommandStdio = readonly [stdin: number | null, stdout: number | null, stderr: number | null];

export const quiet: CommandStdio = [null, null, null];

export interface Command extends CallOptions {
  readonly binary: string;
  readonly args: readonly string[];
  /** Names the operation and its subject, for messages. */
  readonly what: string;
  readonly stdio: CommandStdio;
  /** Where the runtime writes its log, as JSON lines. Of no use to anybody once it was read for a reason. */
  readonly log: string;
  /** Beside PATH and the like. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A directory to look for programs in before those of PATH. */
  readonly searchFirst?: string | undefined;
}

export interface CommandRunnerOptions {
  readonly reaper: Reaper;
  /** The `oom_score_adj` that commands and containers start with, where it is not this process's own. */
  readonly oomScore?: string | undefined;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** How long a command that nobody waits for any more may go on. */
const GRACE_MS = 5000;
const REAP_MS = 5;
/** Longest piece of a log that is looked at for a reason. */
const LOG_TAIL_BYTES = 64 * 1024;

/** Runs OCI runtimes, each to its end. */
export class CommandRunner {
  readonly #reaper: Reaper;
  readonly #oomScore: string | undefined;
  // Nothing else of this process's environment is a runtime's or a hook's business.
  readonly #env = { PATH: process.env.PATH ?? DEFAULT_PATH, HOME: '/root', LANG: 'C.UTF-8' };

  constructor({ reaper, oomScore }: CommandRunnerOptions) {
    this.#reaper = reaper;
    this.#oomScore = oomScore;
  }

  /**
   * An abort lets the command end, unless it takes long: one that is killed at work leaves things behind.
   *
   * @throws Fault `not_found` if the binary is not there; else with the last error of the runtime's log, as
   *   `unknown`, or as what the runtime says of a container or process that is not there, or there already.
   */
  async run(command: Command): Promise<void> {
    const { binary, what, log, signal } = command;
    signal?.throwIfAborted();
    using _ = this.#reaper.hold();
    const { pidfd, exited } = await this.#watched(this.#spawn(command));
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      timer = setTimeout(() => kill(pidfd), GRACE_MS);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const { exitStatus } = await exited;
    signal?.removeEventListener('abort', onAbort);
    clearTimeout(timer);
    if (exitStatus === 0) return;
    signal?.throwIfAborted();
    const reason = (await takeError(log)) ?? `exit status ${exitStatus}`;
    throw new Fault(kindOf(reason), `${basename(binary)} ${what}: ${reason}`);
  }

  /** One that nobody can watch, for want of a descriptor, is ended before it is told that it failed. */
  async #watched(pid: number): Promise<WatchedProcess> {
    try {
      return this.#reaper.watch(pid);
    } catch (e) {
      process.kill(pid, 'SIGKILL');
      while (reapKnown(pid)?.exited === false) await delay(REAP_MS);
      throw e;
    }
  }

  #spawn({ binary, args, what, stdio: fds, env: more, searchFirst }: Command): number {
    const { PATH } = this.#env;
    const path = searchFirst === undefined ? PATH : `${searchFirst}:${PATH}`;
    try {
      const pid = spawnProcess({ file: binary, args, env: { ...this.#env, ...more, PATH: path }, fds });
      this.keepKillable(pid);
      return pid;
    } catch (e) {
      throw notSpawned(binary, what, e);
    }
  }

  /** What this process is spared from when memory runs out, its children are not; they would inherit its score. */
  keepKillable(pid: number): void {
    if (this.#oomScore === undefined) return;
    writeFile(`/proc/${pid}/oom_score_adj`, this.#oomScore).catch(() => {});
  }
}

function kill(pidfd: number): void {
  try {
    pidfdSendSignal(pidfd, 'SIGKILL');
  } catch (e) {
    if (!hasCode(e, 'ESRCH', 'EBADF')) throw e;
  }
}

function notSpawned(binary: string, what: string, e: unknown): Fault {
  if (errnoOf(e) === 'ENOENT') {
    const how = 'install runc (apt install runc), or name the runtime in the config of the runc plugin';
    return new Fault('not_found', `${what}: ${binary}: executable not found in PATH: ${how}`, { cause: e });
  }
  return new Fault('unknown', `${what}: run ${binary}: ${reasonOf(e)}`, { cause: e });
}

// The texts of runc 1.0 to 1.3 and crun; they exit with 1 for everything.
function kindOf(reason: string): 'not_found' | 'already_exists' | 'unknown' {
  if (
    /container .*does not exist|process already finished|container not running|no such process/i.test(reason)
  )
    return 'not_found';
  return /container with .*exists/i.test(reason) ? 'already_exists' : 'unknown';
}

/** The message of the log's last line of level error or worse. The log is removed, so that nobody finds it again. */
async function takeError(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const start = Math.max(0, size - LOG_TAIL_BYTES);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n').map(parseLine);
    await unlink(path);
    return lines.findLast((line) => line?.level === 'error' || line?.level === 'fatal')?.msg;
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return undefined;
    throw e;
  }
}

function parseLine(text: string): { level?: string; msg?: string } | undefined {
  try {
    return JSON.parse(text) as { level?: string; msg?: string };
  } catch {
    return undefined;
  }
}
