import { type Digest, digestOf } from '@stowage/core';

/**
 * Names of the snapshots that an image's layers make, from the base up: the first is the first diff id, each further
 * one hashes the one before and its own diff id (image-spec config.md, "Layer ChainID").
 */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : digestOf(`${parent} ${diffId}`));
  }
  return chain;
}
