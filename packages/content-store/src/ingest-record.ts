import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import type { IngestStatus } from '@stowage/content';
import { type Digest, errnoOf, isDigest } from '@stowage/core';
import { dataIn, statusIn } from './layout.ts';

/** What is remembered of an ingest besides its bytes. */
export interface IngestRecord {
  readonly ref: string;
  /** 0 if unknown. */
  readonly total: bigint;
  readonly expected?: Digest | undefined;
  readonly startedAt: Date;
}

export async function writeRecord(ingest: string, record: IngestRecord): Promise<void> {
  const { ref, total, expected, startedAt } = record;
  const text = JSON.stringify({ ref, total: total.toString(), expected, startedAt: startedAt.toISOString() });
  const draft = `${statusIn(ingest)}.new`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, statusIn(ingest));
}

/**
 * Undefined for what is no ingest: nothing there, or what a crash between its files left. It is not fsynced, so
 * after a power cut it may be empty as well; the ingest is then begun anew.
 */
export async function readRecord(ingest: string): Promise<IngestRecord | undefined> {
  const text = await ifPresent(readFile(statusIn(ingest), 'utf8'));
  return text === undefined ? undefined : parseRecord(text);
}

export async function readStatus(ingest: string): Promise<IngestStatus | undefined> {
  const [record, data] = await Promise.all([
    readRecord(ingest),
    ifPresent(stat(dataIn(ingest), { bigint: true })),
  ]);
  if (record === undefined || data === undefined) return undefined;
  return { ...record, offset: data.size, updatedAt: data.mtime };
}

async function ifPresent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (e) {
    const code = errnoOf(e);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw e;
  }
}

function parseRecord(text: string): IngestRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { ref, total, expected, startedAt } = (value ?? {}) as Record<string, unknown>;
  if (typeof ref !== 'string' || typeof total !== 'string' || !/^\d+$/.test(total)) return undefined;
  const started = new Date(String(startedAt));
  if (Number.isNaN(started.getTime())) return undefined;
  const digest = typeof expected === 'string' && isDigest(expected) ? expected : undefined;
  return { ref, total: BigInt(total), expected: digest, startedAt: started };
}
