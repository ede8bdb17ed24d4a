import assert from 'node:assert/strict';
import type { ContentStore, ContentVerifier, ContentWriter } from '@stowage/content';
import {
  type Digest,
  type DigestAlgorithm,
  digestOf,
  Fault,
  type FaultKind,
  type Labels,
  reasonOf,
} from '@stowage/core';

import type { OpenStore } from './subject.ts';

/** A digest of no blob. */
export const ABSENT: Digest = digestOf('nobody writes this');

/** The same bytes for the same arguments, with no period that a mistake in offsets could hide in. */
export function bytes(size: number, seed = 1): Buffer {
  const out = Buffer.alloc(size);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let i = 0; i < size; i += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = state & 255;
  }
  return out;
}

/** Writes a blob under a ref that is its digest. */
export async function put(
  store: ContentStore,
  data: Uint8Array | string,
  options: { readonly algorithm?: DigestAlgorithm; readonly labels?: Labels } = {},
): Promise<Digest> {
  const expected = digestOf(data, options.algorithm);
  await using writer = await store.writer({ ref: `put-${expected}` });
  if (data.length > 0) await writer.write(Buffer.from(data));
  return writer.commit({ expected, labels: options.labels });
}

/** Leaves an ingest behind. */
export async function leave(store: ContentStore, ref: string, data: string, total?: bigint): Promise<void> {
  await using writer = await store.writer({ ref, total });
  await writer.write(Buffer.from(data));
}

export async function readAll(store: ContentStore, digest: Digest, offset?: bigint, length?: bigint) {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(digest, { offset, length })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Fails unless the work fails with a Fault of this kind. */
export async function refused(kind: FaultKind, work: Promise<unknown>, mentions = ''): Promise<void> {
  const e = await failureOf(work);
  assert.ok(Fault.is(e), `expected a Fault ${kind}, got ${describe(e)}`);
  assert.equal(e.kind, kind, `expected ${kind}, got ${e.kind}: ${e.message}`);
  assert.ok(e.message.includes(mentions), `the message must name ${mentions}: ${e.message}`);
}

/** What the work failed with. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (e) {
    return e;
  }
  throw new assert.AssertionError({ message: 'expected a failure, but the call succeeded' });
}

function describe(e: unknown): string {
  return `${(e as Error | undefined)?.name ?? typeof e}: ${reasonOf(e)}`;
}

/**
 * Opens a writer of a ref that was given up just now. A remote store learns of a broken call a little later, so
 * `unavailable` is tried again for a while.
 */
export async function writerSoon(store: ContentStore, ref: string): Promise<ContentWriter> {
  for (const deadline = Date.now() + 5000; ; ) {
    try {
      return await store.writer({ ref });
    } catch (e) {
      if (!Fault.is(e, 'unavailable') || Date.now() > deadline) throw e;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Of a subject that claims to verify. */
export function verifierOf({ verifier }: OpenStore): ContentVerifier {
  assert.ok(verifier, 'a subject that verifies has a verifier');
  return verifier;
}
