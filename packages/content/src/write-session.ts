import { create } from '@bufbuild/protobuf';
import {
  WriteAction,
  type WriteContentRequest,
  type WriteContentResponse,
  WriteContentResponseSchema,
} from '@stowage/api/content/v1';
import { cleanLabels, type Digest, Fault, quote, unlessGone } from '@stowage/core';
import { timestampOf } from '@stowage/rpc';
import type { ContentStore, ContentWriter } from './content-store.ts';
import { digestFromWire, sizeFromWire } from './convert.ts';

/**
 * Runs one Write stream: the first message opens the writer of its ref, every message is answered by one, and
 * COMMIT is the last. However the stream ends, the ref is free for others right after, and what was written stays.
 *
 * @see containerd plugins/services/content/contentserver/contentserver.go Write
 */
export async function* writeSession(
  store: ContentStore,
  requests: AsyncIterable<WriteContentRequest>,
  signal: AbortSignal,
): AsyncGenerator<WriteContentResponse> {
  let session: Session | undefined;
  try {
    for await (const request of requests) {
      const first = session === undefined;
      session ??= await Session.open(store, request, signal);
      yield await session.handle(request, first);
      if (request.action === WriteAction.COMMIT) return;
    }
    if (session === undefined) throw noRef();
  } finally {
    await session?.close();
  }
}

function noRef(): Fault {
  return new Fault('invalid_argument', 'write: the first message must have a ref');
}

class Session {
  readonly #store: ContentStore;
  #writer: ContentWriter;
  readonly #signal: AbortSignal;
  /** What later messages said last, for COMMIT. */
  #total: bigint | undefined;
  #expected: Digest | undefined;
  /** Nobody else moves it. */
  #offset: bigint;

  private constructor(store: ContentStore, writer: ContentWriter, offset: bigint, signal: AbortSignal) {
    this.#store = store;
    this.#writer = writer;
    this.#offset = offset;
    this.#signal = signal;
    // A generator whose consumer went away may stay suspended at its `yield`; the ref must not stay locked with it.
    signal.addEventListener('abort', this.#onGone, { once: true });
  }

  static async open(
    store: ContentStore,
    request: WriteContentRequest,
    signal: AbortSignal,
  ): Promise<Session> {
    const { ref } = request;
    if (ref === '') throw noRef();
    const total = sizeFromWire(request.total);
    const expected = digestFromWire(request.expected);
    const writer = await store.writer({ ref, total, expected, signal });
    try {
      const { offset } = await writer.status({ signal });
      return new Session(store, writer, offset, signal);
    } catch (e) {
      await writer[Symbol.asyncDispose]();
      throw e;
    }
  }

  async handle(request: WriteContentRequest, first: boolean): Promise<WriteContentResponse> {
    const signal = this.#signal;
    this.#total = sizeFromWire(request.total) ?? this.#total;
    const expected = digestFromWire(request.expected);
    // Of the first message the store itself has checked it.
    if (expected !== undefined && !first) await this.#refuseExisting(expected);
    this.#expected = expected ?? this.#expected;

    if (request.action !== WriteAction.STAT) await this.#append(request);
    const { offset, total, digest, startedAt, updatedAt } = await this.#writer.status({ signal });
    this.#offset = offset;
    const response = create(WriteContentResponseSchema, {
      action: request.action,
      offset,
      total: this.#total ?? total,
      digest,
      startedAt: timestampOf(startedAt),
      updatedAt: timestampOf(updatedAt),
    });
    if (request.action === WriteAction.COMMIT) {
      const labels = cleanLabels(request.labels);
      const options = { sizeBytes: this.#total, expected: this.#expected, labels, signal };
      response.digest = await this.#writer.commit(options);
    }
    return response;
  }

  /** Offset 0 starts anew, any other offset must be where the ingest stands: nothing is ever left out. */
  async #append({ offset: wanted, data }: WriteContentRequest): Promise<void> {
    const signal = this.#signal;
    const offset = this.#offset;
    if (wanted > 0n && wanted !== offset) {
      const ref = quote(this.#writer.ref);
      throw new Fault('out_of_range', `write ${ref} at ${wanted}: the next byte is at ${offset}`);
    }
    if (wanted <= 0n && offset > 0n) await this.#writer.truncate(0n, { signal });
    if (data.byteLength > 0) await this.#writer.write(data, { signal });
  }

  /**
   * A blob that somebody else has committed meanwhile: nobody needs this ingest any more. A damaged one needs it. The
   * store itself refuses, as it does at an opening, because that is what leases the blob.
   */
  async #refuseExisting(expected: Digest): Promise<void> {
    const signal = this.#signal;
    const { ref } = this.#writer;
    try {
      await this.#store.info(expected, { signal });
    } catch (e) {
      if (Fault.is(e, 'not_found') || Fault.is(e, 'data_loss')) return;
      throw e;
    }
    await this.#writer[Symbol.asyncDispose]();
    try {
      // Opens only if the blob has gone again; then this goes on where it was.
      this.#writer = await this.#store.writer({ ref, total: this.#total, expected, signal });
    } catch (e) {
      if (Fault.is(e, 'already_exists')) await unlessGone(this.#store.abort(ref, { signal }));
      throw e;
    }
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onGone);
    await this.#writer[Symbol.asyncDispose]();
  }

  readonly #onGone = () => {
    this.close().catch(() => {}); // the ingest is closed again, and a failure told, where the generator ends
  };
}
