import { readFileSync } from 'node:fs';
import { hasCode } from './errors.ts';

/** What /proc/PID/stat says of a process. See proc_pid_stat(5). */
export interface ProcessStat {
  readonly pid: number;
  readonly comm: string;
  /** `R`, `S`, `D`, `Z`, `T`, `X`, ... */
  readonly state: string;
  /** It has begun to end, though it may be no zombie yet: its descriptors may be closed already. */
  readonly exiting: boolean;
  readonly parentPid: number;
  readonly session: number;
  /** Clock ticks from boot to its start. With the pid it names one process until the next boot. */
  readonly startTime: bigint;
  /** Wait status as waitpid(2) encodes it, once it is a zombie; 0 to a reader without ptrace rights. */
  readonly waitStatus: number;
}

const PF_EXITING = 0x4;

/** Parses a line whose second field, the command, may hold blanks and parentheses. */
export function parseProcessStat(text: string): ProcessStat {
  const open = text.indexOf('(');
  const end = text.lastIndexOf(')');
  // Field 3 is rest[0].
  const rest = text
    .slice(end + 2)
    .trim()
    .split(' ');
  return {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 1, end),
    state: rest[0] ?? '',
    exiting: (Number(rest[6]) & PF_EXITING) !== 0,
    parentPid: Number(rest[1]),
    session: Number(rest[3]),
    startTime: BigInt(rest[19] ?? 0),
    waitStatus: Number(rest[49] ?? 0),
  };
}

/** Undefined if there is no such process. Reads memory only, so it never waits. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ESRCH')) return undefined;
    throw e;
  }
}

/** Start time of a process, to be kept with its pid: {@link isSameProcess}. Undefined if there is none. */
export const startTime = (pid: number): bigint | undefined => processStat(pid)?.startTime;

/** Whether the pid still names the process that had it then, be it alive or a zombie. */
export const isSameProcess = (pid: number, since: bigint): boolean => startTime(pid) === since;
