import type { BlobInfo, ContentStore } from '@stowage/content';
import { type CallOptions, Fault, LABEL, type Labels, unlessGone } from '@stowage/core';
import { type Both, each } from './both.ts';

/** Blobs that are copied at the same time. */
const ABREAST = 3;

/** The blobs of the namespace that something keeps, with their labels. */
export async function copyContent(both: Both): Promise<void> {
  const { from, to, dryRun, signal } = both;
  const blobs = (await keptBlobs(both))[Symbol.iterator]();
  const work = async () => {
    for (let next = blobs.next(); next.done !== true; next = blobs.next()) {
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

/** What nothing keeps, the next collection takes, at either. */
async function keptBlobs({ from, signal }: Both): Promise<BlobInfo[]> {
  const { content, images, containers } = from.services;
  const known = new Map<string, BlobInfo>();
  for await (const blob of content.list([], { signal })) known.set(blob.digest, blob);
  const roots: string[] = [];
  for await (const { target } of images.list([], { signal })) roots.push(target.digest);
  for await (const { labels } of containers.list([], { signal })) roots.push(...contentOf(labels));
  for (const { digest, labels } of known.values()) if (LABEL.gcRoot in labels) roots.push(digest);
  const kept = new Map<string, BlobInfo>();
  for (let digest = roots.pop(); digest !== undefined; digest = roots.pop()) {
    const blob = known.get(digest);
    if (blob === undefined || kept.has(digest)) continue;
    kept.set(digest, blob);
    roots.push(...contentOf(blob.labels));
  }
  return [...kept.values()];
}

const REFERENCE = /^containerd\.io\/gc\.ref\.content($|[./])/;

const contentOf = (labels: Labels) =>
  Object.entries(labels).flatMap(([name, value]) => (REFERENCE.test(name) ? [value] : []));

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
