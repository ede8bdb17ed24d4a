import { opendir } from 'node:fs/promises';
import { errnoOf, quote } from '@stowage/core';
import { storageFault } from './storage-fault.ts';

/** Names in a directory, which need not be there. */
export async function* namesIn(directory: string): AsyncGenerator<string> {
  try {
    for await (const { name } of await opendir(directory)) yield name;
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw storageFault(e, `list ${quote(directory)}`);
  }
}
