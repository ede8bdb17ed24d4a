import { randomUUID } from 'node:crypto';
import type { ContentStore, ContentWriter } from '@stowage/content';
import {
  type Descriptor,
  type Digest,
  Fault,
  LABEL,
  type Labels,
  MEDIA_TYPE,
  type Mount,
  unlessGone,
  whole,
} from '@stowage/core';
import { type CompressionLevels, compressed, compressionFor } from './compress.ts';
import type { DiffOptions } from './differ.ts';
import type { Packed, PackLayers } from './packer.ts';

export interface LayerMaker {
  readonly content: Pick<ContentStore, 'writer' | 'abort' | 'info' | 'update'>;
  readonly packer: PackLayers;
  readonly levels: CompressionLevels;
}

/**
 * Packs what changed into a blob. A layer that is in the store already is the answer; of a failure nothing is left.
 *
 * @see containerd plugins/diff/walking/differ.go Compare
 */
export async function makeLayer(
  maker: LayerMaker,
  left: readonly Mount[],
  right: readonly Mount[],
  options: DiffOptions,
): Promise<Descriptor> {
  const { mediaType = MEDIA_TYPE.ociLayerGzip, ref = `diff-${randomUUID()}`, labels = {}, signal } = options;
  const compression = compressionFor(mediaType);
  if (compression === undefined) {
    throw new Fault('unimplemented', `diff: ${mediaType} is no layer that is made here`);
  }
  const { content, packer, levels } = maker;
  // An aborted opening may have made the ingest, and nobody would know of it.
  await using ingest = await whole(
    signal,
    async () => new Ingest(content, await content.writer({ ref })),
    (made) => made[Symbol.asyncDispose](),
  );
  const { writer } = ingest;
  const packed = await packer.pack(
    left,
    right,
    async (bytes, stop) => {
      await writer.truncate(0n, { signal });
      for await (const chunk of compressed(bytes, compression, levels, stop)) {
        await writer.write(chunk, { signal: stop });
      }
    },
    { sourceDateEpoch: options.sourceDateEpoch, signal },
  );
  const { digest, offset } = await writer.status({ signal });
  const isNew = await ingest.commit(
    digest,
    offset,
    { ...labels, [LABEL.uncompressed]: packed.digest },
    signal,
  );
  if (!isNew) await tellUncompressed(content, digest, packed, signal);
  return { mediaType, digest, size: offset };
}

/** A writer whose ingest goes with it, unless it became a blob. */
class Ingest implements AsyncDisposable {
  readonly #content: Pick<ContentStore, 'abort'>;
  readonly writer: ContentWriter;
  #isGone = false;

  constructor(content: Pick<ContentStore, 'abort'>, writer: ContentWriter) {
    this.#content = content;
    this.writer = writer;
  }

  /** @returns false if the blob was there. */
  async commit(
    expected: Digest,
    sizeBytes: bigint,
    labels: Labels,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    try {
      await this.writer.commit({ expected, sizeBytes, labels, signal });
      this.#isGone = true;
      return true;
    } catch (e) {
      if (!Fault.is(e, 'already_exists')) throw e;
      this.#isGone = true;
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer[Symbol.asyncDispose]();
    if (!this.#isGone) await unlessGone(this.#content.abort(this.writer.ref));
  }
}

/** A blob that came here otherwise may lack the label. */
async function tellUncompressed(
  content: Pick<ContentStore, 'info' | 'update'>,
  digest: Digest,
  packed: Packed,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { labels } = await content.info(digest, { signal });
  if (labels[LABEL.uncompressed] !== undefined) return;
  const told = { [LABEL.uncompressed]: packed.digest };
  try {
    await content.update(digest, told, [`labels.${LABEL.uncompressed}`], { signal });
  } catch (e) {
    // A store without labels, which a daemon's is not.
    if (!Fault.is(e, 'unimplemented')) throw e;
  }
}
