import { algorithmOf, type CallOptions, type Digest, Digester, Fault, reasonOf } from '@stowage/core';
import type { BlobInfo, ContentStore } from './content-store.ts';
import type { BlobCheck } from './content-verifier.ts';

/** Bytes between two news of one blob. */
export const PROGRESS_BYTES = 32n * 1024n * 1024n;

/**
 * Verifies the blobs of a store that can't do it itself, such as containerd's, by reading them here. Nothing is
 * remembered of what is found damaged.
 */
export async function* verifyByReading(
  store: Pick<ContentStore, 'info' | 'list' | 'read'>,
  digests: readonly Digest[] = [],
  options: CallOptions = {},
): AsyncGenerator<BlobCheck> {
  if (digests.length === 0) {
    for await (const info of store.list([], options)) yield* readThrough(store, info, options);
    return;
  }
  for (const digest of digests) {
    const info = await infoOrDamage(store, digest, options);
    if ('state' in info) yield info;
    else yield* readThrough(store, info, options);
  }
}

async function infoOrDamage(
  store: Pick<ContentStore, 'info'>,
  digest: Digest,
  options: CallOptions,
): Promise<BlobInfo | BlobCheck> {
  try {
    return await store.info(digest, options);
  } catch (e) {
    if (!Fault.is(e, 'data_loss')) throw e;
    return { digest, sizeBytes: 0n, checkedBytes: 0n, state: 'corrupt', reason: reasonOf(e) };
  }
}

async function* readThrough(
  store: Pick<ContentStore, 'info' | 'read'>,
  { digest, sizeBytes }: BlobInfo,
  options: CallOptions,
): AsyncGenerator<BlobCheck> {
  const digester = new Digester(algorithmOf(digest));
  const check = (state: BlobCheck['state'], reason = ''): BlobCheck => {
    return { digest, sizeBytes, checkedBytes: digester.sizeBytes, state, reason };
  };
  let told = 0n;
  try {
    for await (const chunk of store.read(digest, {}, options)) {
      digester.update(chunk);
      if (digester.sizeBytes - told < PROGRESS_BYTES) continue;
      told = digester.sizeBytes;
      yield check('running');
    }
  } catch (e) {
    if (Fault.is(e, 'data_loss')) yield check('corrupt', reasonOf(e));
    else if (!Fault.is(e, 'not_found')) throw e;
    else if (await isKnown(store, digest, options)) yield check('missing', 'there is nothing of it');
    return;
  }
  if (digester.sizeBytes !== sizeBytes)
    yield check('corrupt', `it has ${digester.sizeBytes} bytes, not ${sizeBytes}`);
  else if (digester.digest() !== digest) yield check('corrupt', `its bytes hash to ${digester.digest()}`);
  else yield check('whole');
}

/** Whether a blob that could not be read is there by its record: containerd answers `info` from that alone. */
async function isKnown(
  store: Pick<ContentStore, 'info'>,
  digest: Digest,
  options: CallOptions,
): Promise<boolean> {
  try {
    await store.info(digest, options);
    return true;
  } catch (e) {
    if (Fault.is(e, 'not_found')) return false;
    if (Fault.is(e, 'data_loss')) return true;
    throw e;
  }
}
