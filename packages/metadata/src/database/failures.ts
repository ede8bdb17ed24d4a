import { errnoOf, type FaultKind, reasonOf } from '@stowage/core';

/** Sorts what LevelDB says, which is a text with strerror(3) in it, by what may be done about it. */
export function kindOfFailure(reason: string): FaultKind {
  if (/No space left|Disk quota/i.test(reason)) return 'resource_exhausted';
  if (/Corruption|does not exist|No such file|CURRENT/i.test(reason)) return 'data_loss';
  return 'unavailable';
}

/** What is behind an error of `open`, which hides it in its cause. */
export function levelFailure(e: unknown): {
  readonly cause: unknown;
  readonly reason: string;
  readonly isLocked: boolean;
} {
  const cause = (e as { cause?: unknown }).cause ?? e;
  return { cause, reason: reasonOf(cause), isLocked: errnoOf(cause) === 'LEVEL_LOCKED' };
}
