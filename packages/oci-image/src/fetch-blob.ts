import type { ContentStore, ContentWriter } from '@stowage/content';
import { type CallOptions, type Descriptor, Fault, quote } from '@stowage/core';
import type { Fetcher } from './fetcher.ts';
import { dropIngest } from './ingest.ts';
import { addLabels, sourceLabel } from './label.ts';
import { refOf } from './media-types.ts';
import { pause } from './pause.ts';
import type { OnProgress } from './progress.ts';

export interface BlobSource extends CallOptions {
  readonly fetcher: Fetcher;
  readonly content: ContentStore;
  readonly name: string;
  readonly onProgress?: OnProgress | undefined;
}

/** Times that a transfer may break off before it is given up. */
const MAX_BREAKS = 5;

/**
 * Brings one blob into the store, unless it is there, and says on it where it came from. A transfer that broke off,
 * in this call or an earlier one, goes on where it was.
 *
 * @throws Fault `failed_precondition` if the bytes are not what the descriptor says; nothing of them is kept.
 */
export async function fetchBlob(source: BlobSource, descriptor: Descriptor): Promise<void> {
  const { content, name, onProgress, signal } = source;
  const { digest } = descriptor;
  const writer = await openWriter(content, descriptor, signal);
  if (writer === undefined) {
    const { labels } = await content.info(digest, { signal });
    await addLabels(content, digest, sourceLabel(name, labels), { signal });
    onProgress?.({ stage: 'fetch', descriptor, state: 'exists', bytes: descriptor.size });
    return;
  }
  const resumed = await write(source, descriptor, writer);
  if (resumed === 'again') await fetchBlob(source, descriptor);
}

/** @returns none if the blob is in the store. */
async function openWriter(
  content: ContentStore,
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
): Promise<ContentWriter | undefined> {
  const { digest, size } = descriptor;
  for (let waitMs = 10; ; waitMs = Math.min(waitMs * 2, 1000)) {
    try {
      return await content.writer({ ref: refOf(descriptor), expected: digest, total: size, signal });
    } catch (e) {
      if (Fault.is(e, 'already_exists')) return undefined;
      // Somebody else is bringing the same blob. Their success is ours; so is their partial work, if they give up.
      if (!Fault.is(e, 'unavailable') || !e.message.includes('locked')) throw e;
    }
    await pause(waitMs, signal);
  }
}

async function write(
  source: BlobSource,
  descriptor: Descriptor,
  opened: ContentWriter,
): Promise<'done' | 'again'> {
  const { content, name, onProgress, signal } = source;
  const { digest, size } = descriptor;
  const ref = refOf(descriptor);
  let begun = 0n;
  try {
    await using writer = opened;
    begun = (await writer.status({ signal })).offset;
    if (begun > size) {
      await writer.truncate(0n, { signal });
      begun = 0n;
    }
    await transfer(source, descriptor, writer, begun);
    await writer.commit({ sizeBytes: size, expected: digest, labels: sourceLabel(name), signal });
  } catch (e) {
    if (Fault.is(e, 'already_exists')) return 'done';
    if (!Fault.is(e, 'failed_precondition')) throw e;
    // Wrong bytes would be resumed for ever. If some were here before, those may be the wrong ones.
    await dropIngest(content, ref);
    if (begun > 0n) return 'again';
    throw new Fault('failed_precondition', `fetch ${digest} of ${quote(name)}: ${e.message}`, { cause: e });
  }
  onProgress?.({ stage: 'fetch', descriptor, state: 'done', bytes: size });
  return 'done';
}

async function transfer(
  { fetcher, name, onProgress, signal }: BlobSource,
  descriptor: Descriptor,
  writer: ContentWriter,
  begun: bigint,
): Promise<void> {
  const { digest, size } = descriptor;
  let offset = begun;
  for (let breaks = 0; offset < size; ) {
    onProgress?.({ stage: 'fetch', descriptor, state: 'running', bytes: offset });
    try {
      for await (const chunk of fetcher.fetch(name, descriptor, { offset, signal })) {
        if (offset + BigInt(chunk.byteLength) > size) {
          throw new Fault('failed_precondition', `more than ${size} bytes came`);
        }
        await writer.write(chunk, { signal });
        offset += BigInt(chunk.byteLength);
        onProgress?.({ stage: 'fetch', descriptor, state: 'running', bytes: offset });
      }
      if (offset < size)
        throw new Fault('unavailable', `fetch ${digest}: ended at ${offset} of ${size} bytes`);
    } catch (e) {
      if (!Fault.is(e, 'unavailable') || ++breaks > MAX_BREAKS) throw e;
      await pause(100 * 2 ** breaks, signal);
      // Bytes of a chunk whose write failed may be there or not.
      offset = (await writer.status({ signal })).offset;
    }
  }
}
