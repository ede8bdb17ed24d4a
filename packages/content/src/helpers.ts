import { type CallOptions, type Descriptor, Fault, type Labels } from '@stowage/core';
import type { ContentStore } from './content-store.ts';

/**
 * A whole small blob, such as a manifest.
 *
 * @throws Fault `not_found`; `resource_exhausted` if it is larger than `maxBytes`.
 */
export async function readBlob(
  store: Pick<ContentStore, 'read' | 'info'>,
  descriptor: Pick<Descriptor, 'digest'>,
  options: CallOptions & { readonly maxBytes?: number } = {},
): Promise<Uint8Array> {
  const { maxBytes = 8 * 1024 * 1024, signal } = options;
  const { sizeBytes } = await store.info(descriptor.digest, { signal });
  if (sizeBytes > BigInt(maxBytes)) {
    throw new Fault(
      'resource_exhausted',
      `read ${descriptor.digest}: ${sizeBytes} bytes, the most is ${maxBytes}`,
    );
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(descriptor.digest, {}, { signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Puts bytes into a store under their digest. A blob that is there already is success. An ingest that was begun
 * under the same ref is started anew.
 *
 * @throws Fault `failed_precondition` if the bytes are not what the descriptor says.
 */
export async function writeBlob(
  store: Pick<ContentStore, 'writer'>,
  ref: string,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
  options: CallOptions & { readonly labels?: Labels | undefined } = {},
): Promise<void> {
  const { signal, labels } = options;
  const { digest: expected, size } = descriptor;
  try {
    await using writer = await store.writer({ ref, expected, total: size, signal });
    await writer.truncate(0n, { signal });
    for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes)
      await writer.write(chunk, { signal });
    await writer.commit({ sizeBytes: size, expected, labels, signal });
  } catch (e) {
    if (!Fault.is(e, 'already_exists')) throw e;
  }
}
