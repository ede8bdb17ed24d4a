import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';

/** What is known of the database without opening it. */
export interface Mark {
  readonly uuid: string;
  readonly schema: number;
  /** A mutation of this number was acknowledged; later ones may have been. */
  readonly seq: bigint;
}

/**
 * @returns undefined if there is none.
 * @throws Fault `data_loss` if it can't be understood.
 */
export async function readMark(path: string): Promise<Mark | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return undefined;
    throw e;
  }
  try {
    const { uuid, schema, seq } = JSON.parse(text) as { uuid: unknown; schema: unknown; seq: unknown };
    if (typeof uuid === 'string' && typeof schema === 'number' && typeof seq === 'string')
      return { uuid, schema, seq: BigInt(seq) };
  } catch {
    // Said below, with the file's name.
  }
  throw new Fault('data_loss', `metadata mark ${path}: not what Stowage writes there; the disk changed it`);
}

/** Replaces the mark. When this settles, the new one survives a power cut. */
export async function writeMark(path: string, { uuid, schema, seq }: Mark): Promise<void> {
  const next = `${path}.new`;
  {
    await using file = await open(next, 'w', 0o600);
    await file.writeFile(`${JSON.stringify({ uuid, schema, seq: seq.toString() })}\n`);
    await file.sync();
  }
  await rename(next, path);
  await using directory = await open(dirname(path), 'r');
  await directory.sync();
}
