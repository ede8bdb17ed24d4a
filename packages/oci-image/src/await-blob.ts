import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Descriptor, unlessGone } from '@stowage/core';
import type { BlobDownloads } from './downloads.ts';
import { refOf } from './media-types.ts';
import { pause } from './pause.ts';

export interface AwaitOptions extends CallOptions {
  readonly content: Pick<ContentStore, 'status'>;
  readonly downloads?: BlobDownloads | undefined;
  /** How often the ref was found held, and this waited, before. */
  readonly inVain: number;
  readonly onBytes: (bytes: bigint) => void;
}

/** Longest between two looks at what another process brings: how late it is taken over, should that one die. */
const MAX_WAIT_MS = 500;

/**
 * Waits while somebody else brings a blob, until it may be there or free to be taken over: the ref is to be opened again
 * then.
 */
export async function awaitBlob(
  descriptor: Descriptor,
  { content, downloads, inVain, onBytes, signal }: AwaitOptions,
): Promise<void> {
  const here = downloads?.get(descriptor.digest);
  if (here !== undefined) return here.follow(onBytes, signal);
  const ref = refOf(descriptor);
  let seen: bigint | undefined;
  const firstMs = Math.min(10 * 2 ** Math.min(inVain, 10), MAX_WAIT_MS);
  for (let waitMs = firstMs; ; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
    await pause(waitMs, signal);
    const status = await unlessGone(content.status(ref, { signal }));
    // Gone: it is there, or given up. Still: nobody may hold it any more.
    if (status === undefined || status.offset === seen || status.offset >= descriptor.size) return;
    seen = status.offset;
    onBytes(seen);
  }
}
