import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { Fault, unlessAbsent } from '@stowage/core';
import { replaceFile } from '@stowage/core/durable';

/** The schema that this code writes and understands. */
export const SCHEMA = 1;
export const MARK_FILE = 'metadata.mark';

/** What is known of the database without opening it. */
export interface Mark {
  readonly uuid: string;
  readonly schema: number;
  /** A mutation of this number was acknowledged; later ones may have been. 0 before the database was made. */
  readonly seq: bigint;
}

/**
 * @returns undefined if there is none.
 * @throws Fault `data_loss` if it can't be understood.
 */
export async function readMark(path: string): Promise<Mark | undefined> {
  const text = await unlessAbsent(readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  const mark = parsed(text);
  if (mark !== undefined) return mark;
  throw new Fault('data_loss', `metadata mark ${path}: not what Stowage writes there; the disk changed it`);
}

/** Replaces the mark. When this settles, the new one survives a power cut. */
export async function writeMark(path: string, { uuid, schema, seq }: Mark): Promise<void> {
  const fields = { uuid, schema, seq: seq.toString() };
  await replaceFile(path, `${JSON.stringify({ ...fields, crc32: checksumOf(fields) })}\n`);
}

export function newerSchema(what: string, schema: number): Fault {
  const text = `${what}: a newer Stowage wrote it (schema ${schema}, this one knows ${SCHEMA}); use that one. Nothing was touched`;
  return new Fault('unimplemented', text);
}

/** A mark of a newer schema is one too, whatever else it says. */
function parsed(text: string): Mark | undefined {
  let stored: Record<string, unknown>;
  try {
    stored = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof stored !== 'object' || stored === null) return undefined;
  const { crc32: sum, ...fields } = stored;
  const { uuid, schema, seq } = fields;
  if (sum !== checksumOf(fields) || typeof uuid !== 'string' || typeof schema !== 'number') return undefined;
  if (schema > SCHEMA) return { uuid, schema, seq: 0n };
  return typeof seq === 'string' && /^\d+$/.test(seq) ? { uuid, schema, seq: BigInt(seq) } : undefined;
}

function checksumOf(fields: Readonly<Record<string, unknown>>): number {
  return crc32(JSON.stringify(fields));
}
