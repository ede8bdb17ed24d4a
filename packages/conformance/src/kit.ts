import { bindCases } from './bind.ts';
import { type Outcome, type ReportOptions, report } from './report.ts';
import { runCase, whySkipped } from './run-case.ts';

/** One rule of a contract, put to the test. */
export interface KitCase<Capability extends string, Context> {
  /** Stable: others name it in reports, skip lists and lists of differences. */
  readonly id: string;
  readonly needs?: readonly Capability[] | undefined;
  /** Runs only where this is not claimed: asserts how the subject refuses. */
  readonly without?: Capability | undefined;
  /** Why it is no longer a rule. Reported as skipped for a while, and then removed. */
  readonly deprecated?: string | undefined;
  /** Rejects if the rule is broken. */
  run(context: Context): Promise<void>;
}

/** What is put to the test. */
export interface KitSubject<Capability extends string, Opened extends Partial<AsyncDisposable>> {
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** Cases that it is known to break, with what it does instead. These must fail, so that the list stays true. */
  readonly differences?: Readonly<Record<string, string>> | undefined;
  /** What is at a directory: fresh and empty where there is nothing yet. The kit disposes it. */
  open(root: string): Promise<Opened>;
  /** Undoes what `open` made elsewhere than below the directory. Called at the end of a case. */
  end?(root: string): Promise<void>;
}

/** What the kit needs of a test runner: `describe`, `test` and `test.skip` of jest, vitest or node:test. */
export interface Runner {
  describe(name: string, body: () => void): void;
  test(name: string, body: () => Promise<void>): void;
  skip(name: string, body: () => Promise<void>): void;
}

/** What a kit is made of. */
export interface KitParts<
  Capability extends string,
  Context,
  Opened extends Partial<AsyncDisposable>,
  Subject extends KitSubject<Capability, Opened>,
> {
  /** Of the group of tests, and of the directories of its cases: `content conformance`. */
  readonly name: string;
  /** What it tests, in the plural: `stores`. */
  readonly of: string;
  readonly cases: ReadonlyArray<KitCase<Capability, Context>>;
  /** @param reopen - Disposes what was opened and opens the same root again. */
  readonly context: (opened: Opened, reopen: () => Promise<Opened>, subject: Subject) => Context;
}

export interface Kit<Case, Subject> {
  /** Makes a test of every case. A failed one leaves its directory behind and names it. */
  bind(subject: Subject, runner: Runner): void;
  /** Runs one case on a fresh subject, in a directory of its own below the system's temporary one. */
  runCase(one: Case, subject: Subject): Promise<void>;
  /** Runs cases one after the other, without a test runner. */
  report(subject: Subject, cases: readonly Case[], options?: ReportOptions): AsyncGenerator<Outcome>;
}

/** Puts a kit together. */
export function conformanceKit<
  Capability extends string,
  Context,
  Opened extends Partial<AsyncDisposable>,
  Subject extends KitSubject<Capability, Opened>,
>(parts: KitParts<Capability, Context, Opened, Subject>): Kit<KitCase<Capability, Context>, Subject> {
  type Case = KitCase<Capability, Context>;
  const run = (one: Case, subject: Subject) => runCase(parts, one, subject);
  const skipped = (one: Case, subject: Subject) => whySkipped(one, subject.capabilities, parts.of);
  return {
    bind: (subject, runner) =>
      bindCases({ name: parts.name, cases: parts.cases, run, skipped }, subject, runner),
    runCase: run,
    report: (subject, cases, options) => report({ run, skipped }, subject, cases, options),
  };
}
