import { Fault, type Scope, type Scoped } from '@stowage/core';
import type { Transfers } from './transfers.ts';
import { unsupported } from './unsupported.ts';

/** Several as one: each transfer is done by the first that does not answer `unimplemented`. */
export function firstTransfers(all: ReadonlyArray<Scoped<Transfers>>): Scoped<Transfers> {
  return (scope: Scope) => ({
    async transfer(source, destination, options) {
      for (const one of all) {
        try {
          await one(scope).transfer(source, destination, options);
          return;
        } catch (e) {
          if (!Fault.is(e, 'unimplemented') || one === all.at(-1)) throw e;
        }
      }
      throw unsupported(source, destination);
    },
  });
}
