import { randomUUID } from 'node:crypto';
import type { ContentStore } from '@stowage/content';
import { algorithmOf, type CallOptions, type Digest, Digester, Fault, unlessGone } from '@stowage/core';

/**
 * Writes a blob whose digest nobody knows yet. What could not be finished is dropped: nobody would resume it.
 *
 * @param expected - where it is known after all.
 * @throws Fault `failed_precondition` if the bytes are not those expected.
 */
export async function ingest(
  content: Pick<ContentStore, 'writer' | 'abort'>,
  bytes: AsyncIterable<Uint8Array>,
  options: CallOptions & { readonly expected?: Digest | undefined } = {},
): Promise<{ readonly digest: Digest; readonly size: bigint }> {
  const { expected, signal } = options;
  const ref = `ingest-${randomUUID()}`;
  const digester = new Digester(expected === undefined ? 'sha256' : algorithmOf(expected));
  let committed = false;
  // Not opened with what is expected: a store that has it would refuse, and the bytes go unchecked.
  const writer = await content.writer({ ref, signal });
  try {
    for await (const chunk of bytes) {
      digester.update(chunk);
      await writer.write(chunk, { signal });
    }
    const digest = digester.digest();
    const size = digester.sizeBytes;
    if (expected !== undefined && expected !== digest) {
      throw new Fault('failed_precondition', `write ${expected}: the bytes are ${digest}`);
    }
    try {
      await writer.commit({ sizeBytes: size, expected: digest, signal });
    } catch (e) {
      if (!Fault.is(e, 'already_exists')) throw e;
    }
    committed = true;
    return { digest, size };
  } finally {
    await writer[Symbol.asyncDispose]();
    if (!committed) await dropIngest(content, ref);
  }
}

export async function dropIngest(content: Pick<ContentStore, 'abort'>, ref: string): Promise<void> {
  await unlessGone(content.abort(ref));
}
