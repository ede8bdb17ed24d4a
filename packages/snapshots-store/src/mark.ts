import { readFile } from 'node:fs/promises';
import { Fault, unlessAbsent } from '@stowage/core';
import { replaceFile } from '@stowage/core/durable';

/** What a database must at least hold, kept in a file beside it. */
export interface Mark {
  readonly uuid: string;
  /** The last batch that was acknowledged, or one before; never ahead of it. */
  readonly sequence: number;
}

/** Undefined if there is none: a first start. */
export async function readMark(path: string): Promise<Mark | undefined> {
  const text = await unlessAbsent(readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  try {
    const { uuid, sequence } = JSON.parse(text) as Mark;
    if (typeof uuid === 'string' && typeof sequence === 'number') return { uuid, sequence };
  } catch {
    // Told below, together with valid JSON of another shape.
  }
  throw new Fault('data_loss', `read ${path}: not a mark of a snapshot index; it was damaged`);
}

/** Survives a power cut when it settles; a crash leaves the old mark or the new one. */
export async function writeMark(path: string, mark: Mark): Promise<void> {
  await replaceFile(path, JSON.stringify(mark));
}
