import { Fault } from '@stowage/core';
import type { Differ } from './differ.ts';

/** Asks differs in order until one does not answer `unimplemented`. */
export function firstDiffer(differs: readonly Differ[]): Differ {
  const first = async <T>(what: string, ask: (differ: Differ) => Promise<T>): Promise<T> => {
    let refusal: Fault | undefined;
    for (const differ of differs) {
      try {
        return await ask(differ);
      } catch (e) {
        if (!Fault.is(e, 'unimplemented')) throw e;
        refusal = e;
      }
    }
    throw refusal ?? new Fault('unimplemented', `${what}: no differ is loaded`);
  };
  return {
    apply: (layer, mounts, options) =>
      first(`apply ${layer.digest}`, (differ) => differ.apply(layer, mounts, options)),
    diff: (lower, upper, options) => first('diff', (differ) => differ.diff(lower, upper, options)),
  };
}
