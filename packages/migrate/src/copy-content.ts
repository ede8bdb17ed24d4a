import type { BlobInfo, ContentStore } from '@stowage/content';
import { type CallOptions, Fault, unlessGone } from '@stowage/core';
import { type Both, each } from './both.ts';

/** Blobs that are copied at the same time. */
const ABREAST = 3;

/** All blobs of the namespace, with their labels. */
export async function copyContent(both: Both): Promise<void> {
  const { from, to, dryRun, signal } = both;
  const blobs = from.services.content.list([], { signal })[Symbol.asyncIterator]();
  const work = async () => {
    for (let next = await blobs.next(); next.done !== true; next = await blobs.next()) {
      const blob = next.value;
      await each(both, { kind: 'blob', name: blob.digest, sizeBytes: blob.sizeBytes }, async () => {
        const known = await unlessGone(to.services.content.info(blob.digest, { signal }));
        if (known !== undefined) return { state: 'exists' };
        if (dryRun) return { state: 'would' };
        await copyBlob(from.services.content, to.services.content, blob, { signal });
        return { state: 'copied' };
      });
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, work));
}

/** One that broke off goes on where it was. */
export async function copyBlob(
  from: Pick<ContentStore, 'read'>,
  to: Pick<ContentStore, 'writer'>,
  { digest, sizeBytes, labels }: Pick<BlobInfo, 'digest' | 'sizeBytes' | 'labels'>,
  { signal }: CallOptions,
): Promise<void> {
  try {
    const expected = { expected: digest, total: sizeBytes };
    await using writer = await to.writer({ ref: `migrate-${digest}`, ...expected, signal });
    const { offset } = await writer.status({ signal });
    if (offset < sizeBytes) {
      for await (const bytes of from.read(digest, { offset }, { signal }))
        await writer.write(bytes, { signal });
    }
    await writer.commit({ expected: digest, sizeBytes, labels, signal });
  } catch (e) {
    if (!Fault.is(e, 'already_exists')) throw e;
  }
}
