import { Fault, Gate, type Scope, type Scoped, silentLogger } from '@stowage/core';
import type { Downloads } from '@stowage/oci-image';
import type { Transfers } from '../transfers.ts';
import type { TransferLimits } from './limits.ts';
import type { Parts, Work } from './parts.ts';

export interface LocalTransfersOptions
  extends Omit<Parts, 'capabilitiesOf' | 'limits' | 'downloads' | 'uploads' | 'log'> {
  readonly capabilitiesOf?: Parts['capabilitiesOf'] | undefined;
  readonly limits?: TransferLimits | undefined;
  readonly log?: Parts['log'] | undefined;
}

/** Does transfers itself, over the stores of the scope it is asked in. */
export function localTransfers(options: LocalTransfersOptions): Scoped<Transfers> {
  const { limits = {}, log = silentLogger, capabilitiesOf = () => [] } = options;
  const parts: Parts = {
    ...options,
    capabilitiesOf,
    limits,
    log,
    downloads: new Gate((limits.maxDownloads ?? 3) || Number.POSITIVE_INFINITY),
    uploads: new Gate((limits.maxUploads ?? 3) || Number.POSITIVE_INFINITY),
  };
  let bringing: Downloads | undefined;
  return (scope: Scope) => ({
    async transfer(source, destination, { onProgress, signal } = {}) {
      signal?.throwIfAborted();
      if (scope.namespace === '') throw new Fault('failed_precondition', 'namespace is required');
      // With clients of registries and readers of archives: a large part of a daemon's code, that many never need.
      const { Downloads, move } = await import('./move.ts');
      bringing ??= new Downloads();
      const work: Work = { parts, scope, bringing, signal };
      await move(work, source, destination, onProgress);
    },
  });
}
