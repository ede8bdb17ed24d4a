import type { FileHandle } from 'node:fs/promises';
import { type BlobCheck, PROGRESS_BYTES } from '@stowage/content';
import { algorithmOf, type CallOptions, type Digest, Digester, Fault } from '@stowage/core';
import type { BlobFiles } from './blob-files.ts';
import { damageAfterAll, damageOf, isUnreadable } from './damage.ts';
import { readFileSteps } from './file-bytes.ts';
import { storageFault } from './storage-fault.ts';

/** Hashes a blob, marks it if it is damaged, and serves it again if it is whole after all. */
export async function* verifyBlobFile(
  files: BlobFiles,
  digest: Digest,
  { signal }: CallOptions,
): AsyncGenerator<BlobCheck> {
  const { handle, marked } = await openEither(files, digest, signal);
  try {
    const { size } = await handle.stat({ bigint: true });
    const digester = new Digester(algorithmOf(digest));
    const check = (state: BlobCheck['state'], reason = ''): BlobCheck => {
      return { digest, sizeBytes: size, checkedBytes: digester.sizeBytes, state, reason };
    };
    let told = 0n;
    let reason: string | undefined;
    try {
      for await (const step of readFileSteps(handle, { signal })) {
        digester.update(step);
        if (digester.sizeBytes - told < PROGRESS_BYTES) continue;
        told = digester.sizeBytes;
        yield check('running');
      }
      reason = damageOf(digest, digester);
    } catch (e) {
      if (!isUnreadable(e)) throw e;
      reason = await damageAfterAll(handle, digest, { signal });
    }
    if (reason !== undefined && !marked) {
      const fault = await files.mark(handle, 'verify', digest, reason);
      // Not to be remembered is worse than damaged: nobody would be told again.
      if (fault.cause !== undefined) throw fault;
    }
    if (reason === undefined && marked) await files.unmark(digest);
    yield reason === undefined ? check('whole') : check('corrupt', reason);
  } catch (e) {
    throw storageFault(e, `verify ${digest}`);
  } finally {
    await handle.close();
  }
}

/** @throws Fault `not_found` */
async function openEither(
  files: BlobFiles,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<{ readonly handle: FileHandle; readonly marked: boolean }> {
  try {
    return { handle: await files.open(digest, signal), marked: false };
  } catch (e) {
    if (!Fault.is(e, 'data_loss')) throw e;
    const handle = await files.openDamaged(digest);
    // Repaired or deleted between the two.
    if (handle === undefined) return { handle: await files.open(digest, signal), marked: false };
    return { handle, marked: true };
  }
}
