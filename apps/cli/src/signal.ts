import { constants } from 'node:os';
import { Fault, quote } from '@stowage/core';

const [FIRST_REAL_TIME, LAST] = [34, 64];

/** `TERM`, `SIGTERM`, `15` or `RTMIN+3`. @throws Fault `invalid_argument` */
export function parseSignal(text: string): number {
  const name = text.toUpperCase().replace(/^SIG/, '');
  const [, base, , offset = '0'] = /^RT(MIN|MAX)(([+-]\d{1,2}))?$/.exec(name) ?? [];
  const known = (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
  const number =
    base !== undefined
      ? (base === 'MIN' ? FIRST_REAL_TIME : LAST) + Number(offset)
      : (known ?? (/^\d{1,2}$/.test(name) ? Number(name) : Number.NaN));
  if (number >= 1 && number <= LAST) return number;
  throw new Fault('invalid_argument', `signal ${quote(text)} is not known: kill -l lists those that are`);
}
