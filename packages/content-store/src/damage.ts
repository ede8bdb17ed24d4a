import { algorithmOf, type Digest, Digester, errnoOf, Fault } from '@stowage/core';

/** Why a blob that was found damaged before is not served. */
export const KNOWN_DAMAGE = 'the disk did not keep its bytes';

/** Of a blob that is not served. */
export function damaged(operation: string, digest: Digest, reason: string, cause?: unknown): Fault {
  const message = `${operation} ${digest}: ${reason}; pull or write it again to repair it`;
  return new Fault('data_loss', message, { cause });
}

/**
 * Passes on all chunks of a blob but the last, and that one when all of them hash to the digest. So whoever has the
 * whole has what was written.
 *
 * @param onDamage - Told what is wrong with them; makes what is thrown.
 */
export async function* untilVerified(
  digest: Digest,
  chunks: AsyncIterable<Uint8Array>,
  onDamage: (reason: string) => Promise<Fault>,
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
    const reason = unreadable(e);
    throw reason === undefined ? e : await onDamage(reason);
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
export function unreadable(e: unknown): string | undefined {
  return errnoOf(e) === 'EIO' ? 'the disk can not read its bytes (EIO)' : undefined;
}
