import { errnoOf, Fault, reasonOf } from '@stowage/core';
import { explain, NOT_FOUND, NOT_RUNNABLE } from './hints.ts';
import { Interrupted } from './interrupt.ts';

/** What failed is the tool, not the program that it was to run: told by an exit code of docker's. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';

  static is(e: unknown): e is RunFailure {
    return (e as Partial<Error> | null)?.name === 'RunFailure';
  }
}

/** Makes failures of `run` and `exec` tell from the exit codes of programs. */
export async function running(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (e) {
    throw new RunFailure(reasonOf(e), { cause: e });
  }
}

/**
 * Says on standard error what went wrong, and what to do.
 *
 * @returns the exit code. Of a command that runs a program, as docker's: 125 for a failure of the tool, 126 and 127 for
 *   a program that can't be run or found.
 */
export function report(thrown: unknown): number {
  const e = firstOf(RunFailure.is(thrown) ? thrown.cause : thrown);
  // Who reads our output left, as after a pipe to "head".
  if (errnoOf(e) === 'EPIPE') return 141;
  const { what, hint } = Interrupted.is(e) ? { what: e.message, hint: e.hint } : explain(e);
  process.stderr.write(`stowage: ${what}\n${hint === undefined ? '' : `${hint}\n`}`);
  if (Interrupted.is(e)) return e.exitCode;
  return RunFailure.is(thrown) ? runExitCode(what) : 1;
}

/**
 * Does the same with each of several things, as far as it can: a failure is told and the next one is tried, unless there
 * is no daemon.
 *
 * @returns the exit code: not 0 if anything failed.
 */
export async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<number> {
  let exitCode = 0;
  for (const item of items) {
    try {
      await work(item);
    } catch (e) {
      // Without a daemon the next one fares no better.
      if (Fault.is(e, 'unavailable')) throw e;
      exitCode = report(e);
    }
  }
  return exitCode;
}

/** What came first, where cleaning up after it failed as well. */
function firstOf(e: unknown): unknown {
  const { name, suppressed } = (e ?? {}) as { name?: unknown; suppressed?: unknown };
  return name === 'SuppressedError' ? firstOf(suppressed) : e;
}

function runExitCode(what: string): number {
  if (NOT_FOUND.test(what)) return 127;
  return NOT_RUNNABLE.test(what) ? 126 : 125;
}
