import { Fault } from '@stowage/core';

/** The archive is not one, or not one that may be unpacked. Who reads it adds which entry. */
export const malformed = (reason: string, cause?: unknown): Fault =>
  new Fault('invalid_argument', reason, cause === undefined ? undefined : { cause });
