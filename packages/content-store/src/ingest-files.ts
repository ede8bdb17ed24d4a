import { constants } from 'node:fs';
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import type { IngestStatus, WriterOptions } from '@stowage/content';
import { algorithmOf, type CallOptions, errnoOf, Fault, quote } from '@stowage/core';
import { hashFile } from './file-bytes.ts';
import { readStatus, writeRecord } from './ingest-record.ts';
import { dataIn, type Layout } from './layout.ts';
import type { OpenIngest } from './local-writer.ts';
import { namesIn } from './names-in.ts';
import { storageFault } from './storage-fault.ts';

/** The ingests of a store, each a directory. Callers hold the ref of what they open or remove. */
export class IngestFiles {
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** Removes what a crash left half-made or half-removed. Only while nobody writes. */
  async clean(): Promise<void> {
    for await (const name of namesIn(this.#layout.ingests)) {
      const ingest = path.join(this.#layout.ingests, name);
      const status = await readStatus(ingest);
      const whole = status !== undefined && this.#layout.ingest(status.ref) === ingest;
      if (!whole) await rm(ingest, { recursive: true, force: true });
    }
  }

  async find(ref: string): Promise<IngestStatus | undefined> {
    try {
      return await readStatus(this.#layout.ingest(ref));
    } catch (e) {
      throw storageFault(e, `stat ingest ${quote(ref)}`);
    }
  }

  async *list({ signal }: CallOptions): AsyncGenerator<IngestStatus> {
    for await (const name of namesIn(this.#layout.ingests)) {
      signal?.throwIfAborted();
      // One that ends meanwhile is not there any more: not an error.
      const status = await readStatus(path.join(this.#layout.ingests, name));
      if (status !== undefined) yield status;
    }
  }

  /** Opens what was left under a ref and hashes it, or begins anew. */
  async open({ ref, total = 0n, expected, signal }: WriterOptions): Promise<OpenIngest> {
    const ingest = this.#layout.ingest(ref);
    let left = await this.find(ref);
    if (left !== undefined && total > 0n && left.total > 0n && left.total !== total) left = undefined;
    try {
      if (left === undefined) {
        await rm(ingest, { recursive: true, force: true });
        await mkdir(ingest, { mode: 0o700 });
      } else {
        // A crash within a commit leaves it read-only.
        await chmod(dataIn(ingest), 0o600);
      }
      const record = {
        ref,
        total: total > 0n ? total : (left?.total ?? 0n),
        expected: expected ?? left?.expected,
        startedAt: left?.startedAt ?? new Date(),
      };
      const same = left?.total === record.total && left.expected === record.expected;
      if (!same) await writeRecord(ingest, record);
      return await this.#openData(ingest, record, left?.updatedAt ?? record.startedAt, signal);
    } catch (e) {
      throw storageFault(e, `open ingest ${quote(ref)}`);
    }
  }

  async #openData(
    ingest: string,
    record: OpenIngest['record'],
    updatedAt: Date,
    signal: AbortSignal | undefined,
  ): Promise<OpenIngest> {
    // 'a+' would append whatever the position; 'r+' does not create.
    const handle = await open(dataIn(ingest), constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const algorithm = record.expected === undefined ? 'sha256' : algorithmOf(record.expected);
      return { record, handle, updatedAt, digester: await hashFile(handle, algorithm, { signal }) };
    } catch (e) {
      await handle.close();
      throw e;
    }
  }

  /** @throws Fault `not_found` */
  async remove(ref: string): Promise<void> {
    try {
      await rm(this.#layout.ingest(ref), { recursive: true });
    } catch (e) {
      throw errnoOf(e) === 'ENOENT' ? noIngest('abort', ref) : storageFault(e, `abort ${quote(ref)}`);
    }
  }
}

export function noIngest(operation: string, ref: string): Fault {
  return new Fault('not_found', `${operation} ${quote(ref)}: nothing was ingested under this ref`);
}
