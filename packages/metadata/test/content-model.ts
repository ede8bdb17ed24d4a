import { type Digest, digestOf, type FaultKind } from '@stowage/core';

export interface Ingest {
  readonly bytes: string;
  readonly total: bigint;
}

interface OpenWriter {
  readonly total: bigint;
  readonly expected: Digest | undefined;
  /** Bytes that an earlier writer left. */
  inherited: number;
}

/**
 * What a content store promises of refs and offsets, in a few lines. Each call answers the kind of its failure, or
 * undefined, as the real one must.
 */
export class ContentModel {
  readonly blobs = new Set<Digest>();
  readonly ingests = new Map<string, Ingest>();
  readonly writers = new Map<string, OpenWriter>();

  open(ref: string, total: bigint, expected: Digest | undefined): FaultKind | undefined {
    if (expected !== undefined && this.blobs.has(expected)) return 'already_exists';
    if (this.writers.has(ref)) return 'unavailable';
    const left = this.ingests.get(ref);
    const anew = left === undefined || (total > 0n && left.total > 0n && left.total !== total);
    this.ingests.set(ref, anew ? { bytes: '', total } : { ...left, total: total || left.total });
    this.writers.set(ref, { total, expected, inherited: this.bytesOf(ref).length });
    return undefined;
  }

  bytesOf(ref: string): string {
    return this.ingests.get(ref)?.bytes ?? '';
  }

  set(ref: string, bytes: string): void {
    this.ingests.set(ref, { bytes, total: this.ingests.get(ref)?.total ?? 0n });
  }

  startAnew(ref: string): void {
    this.set(ref, '');
    const writer = this.writers.get(ref);
    if (writer !== undefined) writer.inherited = 0;
  }

  /** However a writer ends, the ingest stays. */
  end(ref: string): void {
    this.writers.delete(ref);
  }

  commit(
    ref: string,
    sizeBytes: bigint | undefined,
    expected = this.writers.get(ref)?.expected,
  ): FaultKind | undefined {
    const bytes = this.bytesOf(ref);
    const inherited = this.writers.get(ref)?.inherited ?? 0;
    const size = sizeBytes ?? (this.writers.get(ref)?.total || undefined);
    this.end(ref);
    // Of a blob that is here nobody asks for more than its name.
    if (expected !== undefined && this.blobs.has(expected)) return this.#drop(ref);
    if (size !== undefined && size !== BigInt(bytes.length)) return 'failed_precondition';
    const digest = digestOf(bytes);
    if (expected !== undefined && expected !== digest) {
      // A power cut may have spoilt what was left, so it is not left again.
      if (inherited > 0) this.set(ref, '');
      return 'failed_precondition';
    }
    if (this.blobs.has(digest)) return this.#drop(ref);
    this.ingests.delete(ref);
    this.blobs.add(digest);
    return undefined;
  }

  abort(ref: string): FaultKind | undefined {
    this.end(ref);
    return this.ingests.delete(ref) ? undefined : 'not_found';
  }

  delete(digest: Digest): FaultKind | undefined {
    return this.blobs.delete(digest) ? undefined : 'not_found';
  }

  restart(): void {
    this.writers.clear();
  }

  #drop(ref: string): 'already_exists' {
    this.ingests.delete(ref);
    return 'already_exists';
  }
}
