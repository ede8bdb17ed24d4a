import type { Violation } from './oracle/violation.ts';

/** What rounds are played on: a daemon, with whatever tells whether it kept the rules. */
export interface Scene {
  /** Where all of it lies, and what is known of a failure is kept. */
  readonly dir: string;
  /** Operations that were acknowledged so far. */
  readonly acknowledged: number;
  /** Operations that failed so far. */
  readonly failed: number;
  /** The longest that the daemon took to be ready. */
  readonly slowestReadyMs: number;
  /** What else was counted or measured, by name; the name of what is measured ends with its unit. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Has `stowaged check` look. */
  runCheck?(): Promise<void>;
  /** Which rules were broken since the last check. */
  check(): Promise<readonly Violation[]>;
  keepEvidence(violations: readonly Violation[]): Promise<void>;
}
