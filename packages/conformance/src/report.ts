import { reasonOf } from '@stowage/core';

/** How a case ended. `differs`: it failed, as was said beforehand. */
export interface Outcome {
  readonly id: string;
  readonly how: 'passed' | 'failed' | 'skipped' | 'differs';
  /** Why, unless it passed. */
  readonly reason: string;
}

export interface ReportOptions {
  /** Ids of cases that are known to fail. One that passes has failed: what was said of it is not so. */
  readonly differs?: ReadonlySet<string> | undefined;
  /** How long a case may take. Default 60,000. */
  readonly timeoutMs?: number | undefined;
}

interface Reported<Case, Subject> {
  readonly run: (one: Case, subject: Subject) => Promise<void>;
  readonly skipped: (one: Case, subject: Subject) => string | undefined;
}

/** Runs cases one after the other. */
export async function* report<Case extends { readonly id: string }, Subject>(
  { run, skipped: whySkipped }: Reported<Case, Subject>,
  subject: Subject,
  cases: readonly Case[],
  { differs = new Set(), timeoutMs = 60_000 }: ReportOptions = {},
): AsyncGenerator<Outcome> {
  for (const one of cases) {
    const { id } = one;
    const skipped = whySkipped(one, subject);
    if (skipped !== undefined) {
      yield { id, how: 'skipped', reason: skipped };
      continue;
    }
    const failure = await failureOf(id, run(one, subject), timeoutMs);
    if (!differs.has(id))
      yield { id, how: failure === undefined ? 'passed' : 'failed', reason: failure ?? '' };
    else if (failure === undefined)
      yield { id, how: 'failed', reason: 'it passes, though it was said to differ' };
    else yield { id, how: 'differs', reason: failure };
  }
}

/** Why a case failed; undefined if it did not. */
async function failureOf(id: string, running: Promise<void>, timeoutMs: number): Promise<string | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(`it did not end within ${timeoutMs} ms`), timeoutMs);
  const ended = running.then(
    () => undefined,
    (e: unknown) => reasonOf(e).replace(`${id}: `, ''),
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}
