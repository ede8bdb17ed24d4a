import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  WriteAction,
  type WriteContentRequestSchema,
  type WriteContentResponse,
} from '@stowage/api/content/v1';
import { type CallOptions, type Digest, Fault, parseDigest, quote } from '@stowage/core';
import { dateOf } from '@stowage/rpc';
import type { CommitOptions, ContentWriter, IngestStatus, WriterOptions } from './content-store.ts';
import { type OpenWrite, WriteStream } from './write-stream.ts';

/** Longest `data` of one message; servers take 16 MiB in all. */
const MAX_DATA_BYTES = 1024 * 1024;

/**
 * A writer of another process: one Write stream, which holds the ref as long as it is open. Any failed call ends it,
 * and with it the hold; the ingest stays there.
 */
export class RemoteWriter implements ContentWriter {
  readonly ref: string;
  readonly #expected: Digest | undefined;
  readonly #stream: WriteStream;
  #offset = 0n;

  private constructor(stream: WriteStream, ref: string, expected: Digest | undefined) {
    this.#stream = stream;
    this.ref = ref;
    this.#expected = expected;
  }

  static async open(open: OpenWrite, { ref, total, expected, signal }: WriterOptions): Promise<RemoteWriter> {
    signal?.throwIfAborted();
    const writer = new RemoteWriter(new WriteStream(open), ref, expected);
    const request = { ref, total: total ?? 0n, expected: expected ?? '' };
    await writer.#call({ action: WriteAction.STAT, ...request }, signal);
    return writer;
  }

  async status({ signal }: CallOptions = {}): Promise<IngestStatus & { readonly digest: Digest }> {
    const response = await this.#call({ action: WriteAction.STAT }, signal);
    return {
      ref: this.ref,
      offset: response.offset,
      total: response.total,
      expected: this.#expected,
      startedAt: dateOf(response.startedAt) ?? new Date(0),
      updatedAt: dateOf(response.updatedAt) ?? new Date(0),
      digest: parseDigest(response.digest),
    };
  }

  async write(bytes: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    for (let at = 0; at < bytes.byteLength; at += MAX_DATA_BYTES) {
      const data = bytes.subarray(at, at + MAX_DATA_BYTES) as Uint8Array<ArrayBuffer>;
      const offset = this.#offset;
      await this.#call({ action: WriteAction.WRITE, offset, data }, signal);
      const taken = this.#offset - offset;
      if (taken === BigInt(data.byteLength)) continue;
      this.#stream.kill();
      throw new Fault(
        'data_loss',
        `write ${quote(this.ref)}: ${taken} of ${data.byteLength} bytes were taken`,
      );
    }
  }

  /** The protocol can drop all or nothing. @throws Fault `unimplemented` for an offset in between. */
  async truncate(offset: bigint, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (offset === this.#offset) return;
    if (offset < 0n || offset > this.#offset) {
      const has = `it has ${this.#offset} bytes`;
      throw new Fault('out_of_range', `truncate ${quote(this.ref)} to ${offset}: ${has}`);
    }
    if (offset > 0n) {
      const why = 'content.v1 can drop all bytes of an ingest or none';
      throw new Fault('unimplemented', `truncate ${quote(this.ref)} to ${offset}: ${why}`);
    }
    // A write at offset 0 starts anew.
    await this.#call({ action: WriteAction.WRITE, offset: 0n }, signal);
  }

  async commit({
    sizeBytes,
    expected = this.#expected,
    labels,
    signal,
  }: CommitOptions = {}): Promise<Digest> {
    // On the wire, a size of 0 means any.
    if (sizeBytes === 0n && this.#offset > 0n) {
      const wrong = `${this.#offset} bytes, expected 0`;
      await this.#stream.end();
      throw new Fault('failed_precondition', `commit ${quote(this.ref)}: ${wrong}`);
    }
    const response = await this.#call(
      {
        action: WriteAction.COMMIT,
        offset: this.#offset,
        total: sizeBytes ?? 0n,
        expected: expected ?? '',
        labels: { ...labels },
      },
      signal,
    );
    await this.#stream.end();
    return expected ?? parseDigest(response.digest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream.end();
  }

  async #call(request: MessageInitShape<typeof WriteContentRequestSchema>, signal: AbortSignal | undefined) {
    const response: WriteContentResponse = await this.#stream.call(request, signal);
    this.#offset = response.offset;
    return response;
  }
}
