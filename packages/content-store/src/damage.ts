import type { FileHandle } from 'node:fs/promises';
import { algorithmOf, type CallOptions, type Digest, Digester, errnoOf, Fault } from '@stowage/core';
import { hashFile } from './file-bytes.ts';

/** Why a blob that was found damaged before is not served. */
export const KNOWN_DAMAGE = 'the disk did not keep its bytes';

/** Of a blob that is not served. */
export function damaged(operation: string, digest: Digest, reason: string, cause?: unknown): Fault {
  const message = `${operation} ${digest}: ${reason}; pull or write it again to repair it`;
  return new Fault('data_loss', message, { cause });
}

/** Make what is thrown. */
export interface DamageHandlers {
  /** The bytes are not those that were written. */
  onDamage(reason: string): Promise<Fault>;
  /** The disk could not read them. */
  onUnreadable(): Promise<Fault>;
}

/**
 * Passes on all chunks of a blob but the last, and that one when all of them hash to the digest. So whoever has the
 * whole has what was written.
 */
export async function* untilVerified(
  digest: Digest,
  chunks: AsyncIterable<Uint8Array>,
  { onDamage, onUnreadable }: DamageHandlers,
): AsyncGenerator<Uint8Array> {
  const digester = new Digester(algorithmOf(digest));
  let held: Uint8Array | undefined;
  try {
    for await (const chunk of chunks) {
      digester.update(chunk);
      if (held !== undefined) yield held;
      held = chunk;
    }
  } catch (e) {
    throw isUnreadable(e) ? await onUnreadable() : e;
  }
  const reason = damageOf(digest, digester);
  if (reason !== undefined) throw await onDamage(reason);
  if (held !== undefined) yield held;
}

/** What is wrong with a blob whose bytes were all hashed; undefined if nothing. */
export function damageOf(digest: Digest, digester: Digester): string | undefined {
  const found = digester.digest();
  return found === digest ? undefined : `its ${digester.sizeBytes} bytes hash to ${found}`;
}

/** EIO is the disk's word that it has lost bytes; any other failure says nothing of them. */
export function isUnreadable(e: unknown): boolean {
  return errnoOf(e) === 'EIO';
}

/**
 * What is wrong with a blob that the disk could not read a moment ago; undefined if it can now and all is well. It is
 * read once more, because a mark outlasts the moment in which the way to a disk is cut.
 */
export async function damageAfterAll(
  handle: FileHandle,
  digest: Digest,
  { signal }: CallOptions,
): Promise<string | undefined> {
  try {
    return damageOf(digest, await hashFile(handle, algorithmOf(digest), { signal }));
  } catch (e) {
    if (isUnreadable(e)) return 'the disk can not read its bytes (EIO)';
    throw e;
  }
}
