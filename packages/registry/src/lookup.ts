import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isLinkLocal, isLoopback } from './addresses.ts';

/** Refused addresses fail a connection with this code. */
export const FORBIDDEN_ADDRESS = 'STOWAGE_FORBIDDEN_ADDRESS';

/**
 * Resolves names, but not to where no registry has a business: what is checked here is what is connected to, so no
 * second answer of a hostile name server can slip by.
 *
 * @param allowLoopback - for the registry itself, and for all that a registry on loopback points at.
 */
export function guardedLookup(allowLoopback: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      const bad = addresses.find(({ address }) => isForbidden(address, allowLoopback));
      const [first] = addresses;
      if (bad !== undefined || first === undefined) {
        const refused: NodeJS.ErrnoException = new Error(`${hostname} is at ${bad?.address ?? 'no address'}`);
        refused.code = FORBIDDEN_ADDRESS;
        callback(refused, '', 0);
      } else if (options.all) {
        callback(null, addresses as LookupAddress[]);
      } else {
        callback(null, first.address, first.family);
      }
    });
  };
}

export function isForbidden(hostname: string, allowLoopback: boolean): boolean {
  return isLinkLocal(hostname) || (!allowLoopback && isLoopback(hostname));
}
