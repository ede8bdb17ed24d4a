import { Fault } from '@stowage/core';

/** The archive is not one, or not one that may be unpacked. Who reads it adds which entry. */
export const malformed = (reason: string, cause?: unknown): Fault =>
  new Fault('invalid_argument', reason, cause === undefined ? undefined : { cause });

/** For messages: what is not printable ASCII is escaped, and no name makes one endless. */
export const quoted = (name: string): string =>
  JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name).replace(/[\x7f-\uffff]/g, (c) =>
    c === '…' ? c : `\\x${c.charCodeAt(0).toString(16)}`,
  );
