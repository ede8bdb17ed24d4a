import { readdirSync, readFileSync } from 'node:fs';
import { hasCode } from './errors.ts';
import { processStat } from './proc-stat.ts';
import { decodeWaitStatus, type ExitStatus, pidfdExit, type WaitResult, waitpid } from './process.ts';

export { isSameProcess, type ProcessStat, parseProcessStat, processStat, startTime } from './proc-stat.ts';
export { decodeWaitStatus, type ExitStatus, exitCode } from './process.ts';

/** A child that was reaped. */
export interface Reaped extends ExitStatus {
  readonly pid: number;
}

/**
 * Reaps one child of ours by pid, if it has ended.
 *
 * @returns undefined if it is no child (any more): see {@link exitOfStranger}.
 */
export function reapKnown(pid: number): WaitResult | undefined {
  try {
    return waitpid(pid);
  } catch (e) {
    if (hasCode(e, 'ECHILD')) return undefined;
    throw e;
  }
}

/**
 * Pids of all children, adopted orphans included: of every thread, since a process is the child of the thread that made
 * it.
 */
export function childPids(): number[] {
  const pids: number[] = [];
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      pids.push(...numbers(readFileSync(`/proc/self/task/${thread}/children`, 'latin1')));
    } catch (e) {
      if (!hasCode(e, 'ENOENT', 'ESRCH')) throw e;
    }
  }
  return pids;
}

const numbers = (text: string): number[] => text.split(' ').filter(Boolean).map(Number);

/**
 * Reaps the ended children that nobody else will: zombies not in `known`, each by its pid.
 *
 * `known` must hold every pid that somebody else waits for, those of `child_process` included: libuv never reports the
 * exit of a child whose status was taken from it. Reap known ones first. {@link OrphanReaper} is safe even for pids that
 * nobody listed.
 */
export function reapOrphans(known: ReadonlySet<number>): Reaped[] {
  return childPids()
    .filter((pid) => !known.has(pid) && processStat(pid)?.state === 'Z')
    .flatMap(reapOne);
}

function reapOne(pid: number): Reaped[] {
  const result = reapKnown(pid);
  return result?.exited === true ? [{ pid, status: result.status, signal: result.signal }] : [];
}

/**
 * Reaps orphans that have been zombies since the sweep before. Sweep at an interval: libuv collects its own children
 * within milliseconds, so what two sweeps see is nobody's.
 */
export class OrphanReaper {
  /** Start times by pid. */
  #zombies = new Map<number, bigint>();

  sweep(known: ReadonlySet<number>): Reaped[] {
    const before = this.#zombies;
    this.#zombies = new Map();
    const reaped: Reaped[] = [];
    for (const pid of childPids()) {
      const stat = processStat(pid);
      if (known.has(pid) || stat?.state !== 'Z') continue;
      if (before.get(pid) === stat.startTime) reaped.push(...reapOne(pid));
      else this.#zombies.set(pid, stat.startTime);
    }
    return reaped;
  }
}

/** What is shown for an exit nobody could learn. */
export const UNKNOWN_STATUS = 255;

/**
 * How a process that is no child of ours ended, as far as anybody can know: from /proc while it is a zombie, from its
 * pidfd after that (kernel 6.15), else status 255.
 *
 * @param pidfd - Opened while it lived.
 */
export function exitOfStranger(pid: number, pidfd: number): ExitStatus & { readonly certain: boolean } {
  const stat = processStat(pid);
  // A pid that was given away again is told apart by the pidfd below.
  if (stat !== undefined && (stat.state === 'Z' || stat.state === 'X') && isPidOf(pidfd, pid)) {
    return { ...decodeWaitStatus(stat.waitStatus), certain: true };
  }
  const exit = pidfdExit(pidfd);
  if (typeof exit === 'object') return { ...exit, certain: true };
  return { status: UNKNOWN_STATUS, signal: undefined, certain: false };
}

/** Whether the process of a pidfd, alive or a zombie, still has this pid. */
function isPidOf(pidfd: number, pid: number): boolean {
  const info = readFileSync(`/proc/self/fdinfo/${pidfd}`, 'latin1');
  return /^Pid:\s*(-?\d+)$/m.exec(info)?.[1] === String(pid);
}
