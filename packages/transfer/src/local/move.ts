import type { TransferObject } from '../objects.ts';
import type { TransferOptions } from '../transfers.ts';
import { unsupported } from '../unsupported.ts';
import { exportImages } from './export.ts';
import { importArchive } from './import.ts';
import type { Work } from './parts.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { Steps } from './steps.ts';
import { tag } from './tag.ts';

export { Downloads } from '@stowage/oci-image';

/** Does one transfer. @throws Fault `unimplemented` for a pair that it does not know. */
export async function move(
  work: Work,
  source: TransferObject,
  destination: TransferObject,
  onProgress: TransferOptions['onProgress'],
): Promise<void> {
  const steps = new Steps(onProgress);
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
