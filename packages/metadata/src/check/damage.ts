import { type Damage, damageText } from '../database/scan.ts';
import type { Finding } from './finding.ts';

const REMEDY = 'put the files back from a copy, or let "stowaged check --repair" drop it';

/** What is not as it was written, as a finding. */
export function damageFinding(damage: Damage): Finding {
  const text = damageText(damage);
  switch (damage.kind) {
    case 'value':
      return {
        severity: 'error',
        code: 'value',
        subject: damage.key,
        text: 'its value does not match its checksum',
        remedy: REMEDY,
      };
    case 'hole':
      return { severity: 'error', code: 'log', subject: 'v1/!log', text, remedy: REMEDY };
    case 'meta':
      return { severity: 'error', code: 'value', subject: 'v1/!meta', text, remedy: REMEDY };
  }
}

export function fileFinding(name: string, text: string): Finding {
  return { severity: 'error', code: 'file', subject: `db/${name}`, text, remedy: REMEDY };
}
