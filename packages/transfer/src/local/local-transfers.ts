import { Fault, type Scope, type Scoped, silentLogger } from '@stowage/core';
import type { TransferObject } from '../objects.ts';
import type { Transfers } from '../transfers.ts';
import { unsupported } from '../unsupported.ts';
import { exportImages } from './export.ts';
import { importArchive } from './import.ts';
import { Limiter } from './limiter.ts';
import type { TransferLimits } from './limits.ts';
import type { Parts, Work } from './parts.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { Steps } from './steps.ts';
import { tag } from './tag.ts';

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
    downloads: new Limiter(limits.maxDownloads ?? 3),
    uploads: new Limiter(limits.maxUploads ?? 3),
  };
  return (scope: Scope) => ({
    async transfer(source, destination, { onProgress, signal } = {}) {
      signal?.throwIfAborted();
      if (scope.namespace === '') throw new Fault('failed_precondition', 'namespace is required');
      const work: Work = { parts, scope, signal };
      await between(work, source, destination, new Steps(onProgress));
    },
  });
}

async function between(
  work: Work,
  source: TransferObject,
  destination: TransferObject,
  steps: Steps,
): Promise<void> {
  if (source.kind === 'registry' && destination.kind === 'store')
    return pull(work, source, destination, steps);
  if (source.kind === 'store') {
    if (destination.kind === 'registry') return push(work, source, destination, steps);
    if (destination.kind === 'export') return exportImages(work, source, destination, steps);
    if (destination.kind === 'store') return tag(work, source, destination);
  }
  if (source.kind === 'import' && destination.kind === 'store')
    return importArchive(work, source, destination, steps);
  if (source.kind === 'import' || source.kind === 'read') {
    if (destination.kind === 'export' || destination.kind === 'write')
      return destination.write(source.bytes, { signal: work.signal });
  }
  throw unsupported(source, destination);
}
