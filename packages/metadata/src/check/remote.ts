import { Metadata } from '@stowage/api/metadata/v1';
import { rpcClient } from '@stowage/rpc';
import { findingFromWire } from './convert.ts';
import type { Checkable } from './finding.ts';

/** The metadata of a daemon behind any Connect transport. */
export function remoteCheckable(transport: Parameters<typeof rpcClient>[1]): Checkable {
  const rpc = rpcClient(Metadata, transport);
  return {
    async *check({ signal } = {}) {
      for await (const { finding } of rpc.check({}, { signal })) yield findingFromWire(finding);
    },
  };
}
