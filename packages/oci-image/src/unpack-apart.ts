import type { Layer } from './layer-snapshot.ts';
import type { ApartLayer, LayerUnpack } from './layer-unpack.ts';
import { allSettled, Pool } from './pool.ts';

/**
 * Unpacks layers at the same time, each by itself, and commits them one after another, from the lowest.
 *
 * @param concurrency - Layers unpacked at a time. What waits for those below it to be committed does not count.
 * @throws the first failure, after all others have come to an end and nothing is left of them.
 */
export async function unpackApart(
  layers: readonly Layer[],
  unpack: LayerUnpack,
  concurrency: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const pool = new Pool(concurrency);
  const failed = (e: unknown) => {
    stop.abort(e);
    throw e;
  };
  let below: Promise<void> = Promise.resolve();
  const all = layers.map((layer, i) => {
    const top: Promise<ApartLayer | undefined> = pool.run(async () => {
      either.throwIfAborted();
      return unpack.apart(layer, i, { signal: either });
    });
    // Told by `committed`; here it only must not count as unhandled meanwhile.
    top.catch(failed).catch(() => undefined);
    const committed = commitAfter(below, top, either);
    below = committed;
    return committed;
  });
  await allSettled(all, () => stop.abort(new Error('another layer failed')));
}

async function commitAfter(
  below: Promise<void>,
  top: Promise<ApartLayer | undefined>,
  signal: AbortSignal,
): Promise<void> {
  const [underneath, unpacked] = await Promise.allSettled([below, top]);
  await using layer = unpacked.status === 'fulfilled' ? unpacked.value : undefined;
  if (unpacked.status === 'rejected') throw unpacked.reason;
  if (underneath.status === 'rejected') throw underneath.reason;
  signal.throwIfAborted();
  await layer?.commit({ signal });
}
