import type { Client } from '@stowage/client';
import { type CallOptions, Fault } from '@stowage/core';
import { formatSize } from '../../table.ts';

/** Collects garbage, of all namespaces. @returns how much that freed, in words. */
export async function collect(client: Client, options: CallOptions): Promise<string> {
  try {
    const { freedBytes } = await client.inspector('').run(options);
    return formatSize(freedBytes);
  } catch (e) {
    if (!Fault.is(e, 'unimplemented')) throw e;
    return 'what this daemon does not tell';
  }
}
