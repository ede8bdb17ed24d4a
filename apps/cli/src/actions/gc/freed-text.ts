import type { Freed } from '@stowage/gc';
import { formatSize } from '../../table.ts';

/** `3.2 MB (content 1.2 MB, snapshots 2 MB)`, with a word on what was not measured. */
export function freedText({ contentBytes, snapshotBytes, ingestBytes, unmeasured }: Freed): string {
  const parts = (
    [
      ['content', contentBytes],
      ['snapshots', snapshotBytes],
      ['ingests', ingestBytes],
    ] as const
  ).filter(([, bytes]) => bytes > 0n);
  const sum = formatSize(contentBytes + snapshotBytes + ingestBytes);
  const split = parts.map(([what, bytes]) => `${what} ${formatSize(bytes)}`).join(', ');
  const rest = unmeasured === 0 ? '' : `, not counting ${unmeasured} still written to`;
  return `${sum}${parts.length > 1 ? ` (${split})` : ''}${rest}`;
}
