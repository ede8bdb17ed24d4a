import { Fault, quote } from '@stowage/core';

/** Most characters and items that are kept of what one operation tells. */
export const LIMIT = {
  subject: 4096,
  startedBy: 256,
  message: 4096,
  phases: 32,
  phase: 64,
  parts: 2000,
  partName: 512,
  mediaType: 256,
} as const;

const KIND = /^[a-z][a-z0-9-]{0,31}$/;

/** @throws Fault `invalid_argument` */
export function validateKind(kind: string): void {
  if (!KIND.test(kind))
    throw new Fault('invalid_argument', `begin operation ${quote(kind)}: expected a word, as pull`);
}

export function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…`.toWellFormed() : text;
}
