import type { CallOptions } from '@stowage/core';
import { unseal } from '../database/frame.ts';
import type { Candidate } from './candidate.ts';
import type { Records } from './records.ts';
import type { CheckSources } from './sources.ts';

/** What backends hold, as of before the records were read. */
export interface OnDisk {
  readonly blobs: ReadonlySet<string>;
  /** By snapshotter. */
  readonly snapshots: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Records of blobs and snapshots that backends do not have, or have otherwise. */
export async function* backends(
  records: Records,
  { content, snapshotters, store }: CheckSources,
  onDisk: OnDisk,
  options: CallOptions,
): AsyncGenerator<Candidate> {
  if (content !== undefined) {
    for (const [key, { digest, sizeBytes }] of records.blobs) {
      if (records.unfinished.has(key)) continue;
      const wrong = async () => {
        const size = await content.sizeOf(digest, options);
        return size === sizeBytes ? undefined : { size };
      };
      const found = await wrong();
      if (found === undefined) continue;
      const isMissing = found.size === undefined;
      yield {
        finding: {
          severity: 'error',
          code: isMissing ? 'blob-missing' : 'blob-size',
          subject: key,
          text: isMissing
            ? 'its bytes are not there'
            : `it has ${found.size} bytes, ${sizeBytes} are recorded`,
          remedy: 'delete it (ctr content rm) and pull the image again',
        },
        keys: [key],
        again: async () => (await store.get(key)) !== undefined && (await wrong()) !== undefined,
      };
    }
  }
  for (const [key, { snapshotter, backend }] of records.snapshots) {
    const source = snapshotters.get(snapshotter);
    if (records.unfinished.has(key)) continue;
    if (source === undefined || onDisk.snapshots.get(snapshotter)?.has(backend)) continue;
    const isSame = async () => {
      const value = await store.get(key);
      return value !== undefined && unseal(key, value).backend === backend;
    };
    if (await source.has(backend, options)) continue;
    yield {
      finding: {
        severity: 'error',
        code: 'snapshot-missing',
        subject: key,
        text: `snapshotter ${snapshotter} does not have it (as ${JSON.stringify(backend)})`,
        remedy: 'remove it (ctr snapshots rm) and unpack the image again',
      },
      keys: [key],
      again: async () => (await isSame()) && !(await source.has(backend, options)),
    };
  }
}
