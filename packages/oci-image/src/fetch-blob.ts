import type { ContentStore, ContentWriter } from '@stowage/content';
import { type CallOptions, type Descriptor, Fault, quote } from '@stowage/core';
import { awaitBlob } from './await-blob.ts';
import type { BlobDownloads, Download } from './downloads.ts';
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
  /** What else is brought into the same store by this process. Of one blob that several want, the others then follow the first. */
  readonly downloads?: BlobDownloads | undefined;
  /** Told what an index or a manifest points at, before any of it is brought; not all of it need be. */
  readonly onChildren?: ((parent: Descriptor, children: readonly Descriptor[]) => void) | undefined;
}

/** Bytes that are gathered for one write. */
const WRITE_BYTES = 1024 * 1024;

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
  const writer = await openWriter(source, descriptor);
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
async function openWriter(source: BlobSource, descriptor: Descriptor): Promise<ContentWriter | undefined> {
  const { content, downloads, onProgress, signal } = source;
  const { digest, size } = descriptor;
  const onBytes = (bytes: bigint) => onProgress?.({ stage: 'fetch', descriptor, state: 'running', bytes });
  for (let inVain = 0; ; inVain++) {
    try {
      return await content.writer({ ref: refOf(descriptor), expected: digest, total: size, signal });
    } catch (e) {
      if (Fault.is(e, 'already_exists')) return undefined;
      // Somebody else is bringing the same blob. Their success is ours; so is their partial work, if they give up.
      if (!Fault.is(e, 'unavailable') || !e.message.includes('locked')) throw e;
    }
    await awaitBlob(descriptor, { content, downloads, inVain, onBytes, signal });
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
    // Followed until the ref is free, so that of the followers one may take it.
    using download = source.downloads?.begin(digest);
    await using writer = opened;
    begun = (await writer.status({ signal })).offset;
    if (begun > size) {
      await writer.truncate(0n, { signal });
      begun = 0n;
    }
    await transfer(source, descriptor, writer, begun, download);
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
  source: BlobSource,
  descriptor: Descriptor,
  writer: ContentWriter,
  begun: bigint,
  download: Download | undefined,
): Promise<void> {
  const { signal } = source;
  const { digest, size } = descriptor;
  let offset = begun;
  const tell = () => {
    download?.tell(offset);
    source.onProgress?.({ stage: 'fetch', descriptor, state: 'running', bytes: offset });
  };
  const keep = async (bytes: Uint8Array) => {
    await writer.write(bytes, { signal });
    offset += BigInt(bytes.byteLength);
    tell();
  };
  for (let breaks = 0; offset < size; ) {
    tell();
    try {
      await receive(source, descriptor, offset, keep);
      if (offset < size)
        throw new Fault('unavailable', `fetch ${digest}: ended at ${offset} of ${size} bytes`);
    } catch (e) {
      if (!Fault.is(e, 'unavailable') || ++breaks > MAX_BREAKS) throw e;
      await pause(100 * 2 ** breaks, signal);
      // Bytes whose write failed may be there or not.
      offset = (await writer.status({ signal })).offset;
    }
  }
}

/** Hands on what comes in pieces large enough for a store that is a socket away, and at a break what had come. */
async function receive(
  { fetcher, name, signal }: BlobSource,
  descriptor: Descriptor,
  offset: bigint,
  keep: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let room = descriptor.size - offset;
  const flush = async () => {
    const [first] = pending;
    const bytes = pending.length === 1 && first !== undefined ? first : Buffer.concat(pending);
    pending.length = 0;
    pendingBytes = 0;
    if (bytes.byteLength > 0) await keep(bytes);
  };
  try {
    for await (const chunk of fetcher.fetch(name, descriptor, { offset, signal })) {
      room -= BigInt(chunk.byteLength);
      if (room < 0n) throw new Fault('failed_precondition', `more than ${descriptor.size} bytes came`);
      pending.push(chunk);
      pendingBytes += chunk.byteLength;
      if (pendingBytes >= WRITE_BYTES) await flush();
    }
  } catch (e) {
    if (Fault.is(e, 'unavailable')) await flush();
    throw e;
  }
  await flush();
}
