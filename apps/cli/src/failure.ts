import { Fault, reasonOf } from '@stowage/core';
import { Interrupted } from './connection.ts';

/** Exit codes as docker's: 125 for a failure of the tool, 126 and 127 for a program that can't be run or found. */
export function report(e: unknown): number {
  if (Interrupted.is(e)) {
    process.stderr.write('stowage: interrupted; a pull goes on where it was when it is run again\n');
    return 130;
  }
  const { what, hint } = explain(e);
  process.stderr.write(`stowage: ${what}\n${hint === undefined ? '' : `${hint}\n`}`);
  if (/no such file or directory|executable file not found/.test(what)) return 127;
  if (/permission denied.*exec|exec.*permission denied/.test(what)) return 126;
  return Fault.is(e) ? 125 : 1;
}

function explain(e: unknown): { what: string; hint?: string } {
  const what = reasonOf(e);
  if (!Fault.is(e)) return { what };
  if (e.kind === 'unavailable' && /socket|daemon running/.test(what)) {
    return { what, hint: 'Start it with: stowaged. Or name another with --address.' };
  }
  if (e.kind === 'permission_denied')
    return { what, hint: 'Root alone may use the socket, as a rule: try sudo.' };
  if (e.kind === 'not_found' && /^image|image /.test(what))
    return { what, hint: 'Pull it with: stowage pull NAME.' };
  return { what };
}
