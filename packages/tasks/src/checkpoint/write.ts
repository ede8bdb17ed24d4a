import { randomUUID } from 'node:crypto';
import { constants, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Descriptor, Fault, quote, unlessGone } from '@stowage/core';
import { type TarItem, writeTar } from '@stowage/oci-image/tar';
import { CHECKPOINT_MEDIA_TYPE, CHECKPOINT_SPEC_MEDIA_TYPE } from './media-types.ts';

/**
 * Puts a checkpoint into a content store, as two blobs without labels: the images of CRIU, and the container's spec.
 * Nothing refers to them yet, so the caller needs a lease. One that fails leaves no ingest.
 *
 * @param spec - bytes of `google.protobuf.Any`.
 * @returns first the images, then the spec.
 * @see containerd plugins/services/tasks/local.go Checkpoint
 */
export async function writeCheckpoint(
  store: ContentStore,
  directory: string,
  spec: Uint8Array,
  options: CallOptions,
): Promise<Descriptor[]> {
  const images = await writeStream(store, CHECKPOINT_MEDIA_TYPE, writeTar(itemsOf(directory)), options);
  const config = await writeStream(store, CHECKPOINT_SPEC_MEDIA_TYPE, [spec], options);
  return [images, config];
}

/** CRIU and runc write nothing but files, side by side. */
async function* itemsOf(directory: string): AsyncGenerator<TarItem> {
  for (const name of (await readdir(directory)).sort()) {
    await using file = await open(join(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW);
    const about = await file.stat();
    if (!about.isFile()) {
      throw new Fault('failed_precondition', `write checkpoint: ${quote(name)} among its images is no file`);
    }
    const body = file.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>;
    yield { path: name, type: 'File', mode: 0o600, mtime: about.mtime, sizeBytes: about.size, body };
  }
}

async function writeStream(
  store: ContentStore,
  mediaType: string,
  bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { signal }: CallOptions,
): Promise<Descriptor> {
  const ref = `checkpoint-${randomUUID()}`;
  try {
    await using writer = await store.writer({ ref, signal });
    let size = 0n;
    for await (const chunk of bytes) {
      await writer.write(chunk, { signal });
      size += BigInt(chunk.byteLength);
    }
    const { digest } = await writer.status({ signal });
    await writer.commit({ sizeBytes: size, expected: digest, signal }).catch((e: unknown) => {
      if (!Fault.is(e, 'already_exists')) throw e;
    });
    return { mediaType, digest, size };
  } catch (e) {
    await unlessGone(store.abort(ref)).catch(() => {});
    throw e;
  }
}
