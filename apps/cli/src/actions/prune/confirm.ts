import { Fault } from '@stowage/core';
import { ask } from '../../prompt.ts';

/** Asks whether to go on. @throws Fault `canceled` unless that is wanted; `invalid_argument` where nobody can be asked. */
export async function confirm(warning: string, force: boolean): Promise<void> {
  if (force) return;
  if (!process.stdin.isTTY)
    throw new Fault('invalid_argument', 'prune: there is no terminal to ask at; use -f');
  process.stderr.write(`${warning}\n`);
  const answer = await ask('Go on? [y/N] ');
  if (!/^y(es)?$/i.test(answer.trim())) throw new Fault('canceled', 'prune: nothing was removed');
}
