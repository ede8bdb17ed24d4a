import { unlessGone } from '@stowage/core';
import { NAMESPACES, rangeOf, tablePrefix } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { MOUNTS } from './namespaced-mounts.ts';

/**
 * Deletes records of activations that the backend does not have: a reboot undid their mounts. To be called before anybody
 * else has the ledger. (containerd keeps such records where a reboot deletes them.)
 *
 * @returns how many.
 */
export async function forgetLostMounts(ledger: Ledger): Promise<number> {
  const { db, backends, log } = ledger;
  const { mounts } = backends;
  if (mounts === undefined) return 0;
  const lost: string[] = [];
  for await (const [namespace] of db.entries(rangeOf(NAMESPACES)))
    for await (const [key, { backend }] of db.entries(
      rangeOf(tablePrefix(namespace.slice(NAMESPACES.length), MOUNTS)),
    ))
      if ((await unlessGone(mounts.info(backend))) === undefined) lost.push(key);
  if (lost.length === 0) return 0;
  await ledger.mutate({ exclusive: lost }, async (tx) => {
    for (const key of lost) tx.delete(key);
  });
  log.info({ count: lost.length }, 'activations whose mounts are gone are forgotten');
  return lost.length;
}
