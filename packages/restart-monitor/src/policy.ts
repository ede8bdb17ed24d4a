import { Fault, type Labels, quote } from '@stowage/core';
import { RESTART_LABEL } from './labels.ts';

export interface RestartPolicy {
  readonly name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** How often at most, of `on-failure`; 0 for no bound. */
  readonly most: number;
}

/** @throws Fault `invalid_argument` */
export function parsePolicy(text: string): RestartPolicy {
  const [, name = '', , times] = /^([a-z-]*)(:([^:]*))?$/.exec(text) ?? [];
  switch (name) {
    case '':
    case 'no':
    case 'always':
    case 'unless-stopped':
      if (text.includes(':') || (name === '' && text !== '')) break;
      return { name: name === '' ? 'always' : name, most: 0 };
    case 'on-failure':
      if (times !== undefined && !/^\d{1,9}$/.test(times)) break;
      return { name, most: Number(times ?? 0) };
    default:
  }
  throw new Fault(
    'invalid_argument',
    `restart policy ${quote(text)}: expected no, always, unless-stopped, on-failure or on-failure:<times>`,
  );
}

/**
 * Whether a container that ought to run and does not is to be started.
 *
 * @param exitStatus - of the last run; undefined if nothing is known of any.
 * @throws Fault `invalid_argument` for a policy that nobody knows.
 */
export function isToStart(labels: Labels, exitStatus: number | undefined): boolean {
  const { name, most } = parsePolicy(labels[RESTART_LABEL.policy] ?? '');
  switch (name) {
    case 'no':
      return false;
    case 'always':
      return true;
    case 'unless-stopped':
      return !/^(1|t|true)$/i.test(labels[RESTART_LABEL.explicitlyStopped] ?? '');
    case 'on-failure':
      return (exitStatus ?? 0) !== 0 && (most === 0 || restartCount(labels) < most);
  }
}

/** How often it was started again. */
export function restartCount(labels: Labels): number {
  const count = Number(labels[RESTART_LABEL.count] ?? 0);
  return Number.isInteger(count) && count > 0 ? count : 0;
}
