import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';

/** What a database must at least hold, kept in a file beside it. */
export interface Mark {
  readonly uuid: string;
  /** The last batch that was acknowledged, or one before; never ahead of it. */
  readonly sequence: number;
}

/** Undefined if there is none: a first start. */
export async function readMark(path: string): Promise<Mark | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return undefined;
    throw e;
  }
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
  const temporary = `${path}.new`;
  {
    await using file = await open(temporary, 'w', 0o600);
    await file.writeFile(JSON.stringify(mark));
    await file.sync();
  }
  await rename(temporary, path);
  await using directory = await open(dirname(path), 'r');
  await directory.sync();
}
