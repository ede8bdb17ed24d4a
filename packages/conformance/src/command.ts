import { Fault, quote, reasonOf } from '@stowage/core';
import type { Outcome } from './report.ts';

const NONE: string[] = [];

/** Options that the command of every kit has, as `parseArgs` of node:util takes them. */
export const KIT_OPTIONS = {
  with: { type: 'string', multiple: true, default: NONE },
  without: { type: 'string', multiple: true, default: NONE },
  differs: { type: 'string', multiple: true, default: NONE },
  only: { type: 'string', default: '' },
  timeout: { type: 'string', default: '60' },
  help: { type: 'boolean', default: false },
} as const;

/** Which cases run, and how. */
export interface Chosen<Case> {
  readonly differs: ReadonlySet<string>;
  readonly cases: readonly Case[];
  readonly timeoutMs: number;
}

/** What is wrong with the arguments of a command. */
export function wrong(reason: string): Fault {
  return new Fault('invalid_argument', `${reason} (--help shows what there is)`);
}

/** What `parseArgs` gives. @throws Fault `invalid_argument` where it throws. */
export function orWrong<T>(parse: () => T): T {
  try {
    return parse();
  } catch (e) {
    throw wrong(reasonOf(e));
  }
}

/** The only argument. @throws Fault `invalid_argument` */
export function socketOf([socket, ...more]: readonly string[]): string {
  if (socket === undefined) throw wrong('a socket is missing');
  if (more.length > 0) throw wrong(`${quote(more[0] ?? '')} is one argument too many`);
  return socket;
}

/** @throws Fault `invalid_argument`, naming the option. */
export function chosenOf<Case extends { readonly id: string }>(
  values: { readonly differs: readonly string[]; readonly only: string; readonly timeout: string },
  cases: readonly Case[],
): Chosen<Case> {
  for (const id of values.differs) {
    if (!cases.some((one) => one.id === id)) throw wrong(`--differs ${id}: there is no such case`);
  }
  const chosen = cases.filter(({ id }) => id.startsWith(values.only));
  if (chosen.length === 0) throw wrong(`--only ${values.only}: no case begins like this`);
  const timeoutMs = Number(values.timeout) * 1000;
  if (!(timeoutMs > 0)) throw wrong(`--timeout ${values.timeout}: must be a number of seconds`);
  return { differs: new Set(values.differs), cases: chosen, timeoutMs };
}

const MARK: Readonly<Record<Outcome['how'], string>> = {
  passed: 'ok      ',
  failed: 'FAILED  ',
  skipped: 'skipped ',
  differs: 'differs ',
};

/** Prints outcomes as they come, a line each, and how many there were. @returns how many cases failed. */
export async function printed(outcomes: AsyncIterable<Outcome>): Promise<number> {
  const counts = { passed: 0, failed: 0, differs: 0, skipped: 0 };
  for await (const { id, how, reason } of outcomes) {
    counts[how]++;
    process.stdout.write(`${MARK[how]}${id}${reason === '' ? '' : `: ${reason}`}\n`);
  }
  const sums = Object.entries(counts).map(([how, count]) => `${count} ${how}`);
  process.stdout.write(`${sums.join(', ')}\n`);
  return counts.failed;
}

/**
 * Does what a command does, and ends the process if cases ran: with 0 if none failed, else 1. With 2, and a line that
 * says why, if a Fault kept it from running any.
 *
 * @param main - How many cases failed; undefined if none was asked for.
 */
export async function runCommand(name: string, main: () => Promise<number | undefined>): Promise<void> {
  try {
    const failed = await main();
    // Not left to Node: a case that was given up may hold a connection.
    if (failed !== undefined) process.exit(failed === 0 ? 0 : 1);
  } catch (e) {
    if (!Fault.is(e)) throw e;
    process.stderr.write(`${name}: ${e.message}\n`);
    process.exitCode = 2;
  }
}
