import type { Transport } from '@connectrpc/connect';
import { Diff } from '@stowage/api/diff/v1';
import type { Scope } from '@stowage/core';
import { descriptorFromWire, rpcClient } from '@stowage/rpc';
import { applyToWire, diffToWire } from './convert.ts';
import type { Differ } from './differ.ts';

/**
 * A differ behind a transport: a daemon's, or a proxy plugin. The wire has no progress: `onProgress` is told once, when
 * the whole layer was applied.
 */
export function remoteDiffer(transport: Transport, scope?: Scope): Differ {
  const rpc = rpcClient(Diff, transport, scope);
  return {
    async apply(layer, mounts, options = {}) {
      const { applied } = await rpc.apply(applyToWire(layer, mounts, options), { signal: options.signal });
      options.onProgress?.(layer.size);
      return descriptorFromWire(applied, 'apply: answer');
    },
    async diff(lower, upper, options = {}) {
      const { diff } = await rpc.diff(diffToWire(lower, upper, options), { signal: options.signal });
      return descriptorFromWire(diff, 'diff: answer');
    },
  };
}
