import type { CallOptions } from '@stowage/core';

/** `error`: something is lost or wrong. `note`: worth knowing, and normal after a crash or by a client's choice. */
export type Severity = 'error' | 'note';

export type FindingCode =
  /** It can't even be opened; what else is wrong can't be told. */
  | 'unopenable'
  | 'mark'
  | 'file'
  | 'value'
  | 'log'
  | 'blob-missing'
  | 'blob-size'
  | 'blob-unknown'
  | 'snapshot-missing'
  | 'snapshot-unknown'
  | 'snapshot-index'
  | 'snapshot-files'
  | 'snapshotter-absent'
  | 'parent-missing'
  | 'back-edge'
  | 'lease-missing'
  | 'dangling'
  | 'unfinished';

/** One thing that a check found. */
export interface Finding {
  readonly severity: Severity;
  readonly code: FindingCode;
  /** A key of the database, or a path. */
  readonly subject: string;
  /** What is wrong with the subject: a sentence without it. */
  readonly text: string;
  /** What to do; empty where there is nothing to do. */
  readonly remedy: string;
}

/** Whatever can be checked: a database in this process, or one behind a socket. */
export interface Checkable {
  /**
   * Compares what is recorded with its checksums, with itself and with what backends hold. Reads only, and writers go on
   * meanwhile.
   */
  check(options?: CallOptions): AsyncIterable<Finding>;
}
