import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Descriptor, errnoOf, Fault, quote } from '@stowage/core';
import { readTar, type TarEntry } from '@stowage/oci-image/tar';
import { CHECKPOINT_MEDIA_TYPE } from './media-types.ts';

/**
 * Unpacks the images of a checkpoint into a new directory. The archive may be anybody's, and CRIU reads the files as
 * root: only files are taken that lie side by side, each once. They take no more room than the blob.
 *
 * @throws Fault `invalid_argument` for what is no checkpoint, or has anything else in it; `not_found` if it is not in
 *   the store.
 */
export async function unpackCheckpoint(
  store: Pick<ContentStore, 'read'>,
  { mediaType, digest }: Descriptor,
  directory: string,
  { signal }: CallOptions,
): Promise<void> {
  if (mediaType !== CHECKPOINT_MEDIA_TYPE) {
    throw new Fault(
      'invalid_argument',
      `unpack checkpoint ${digest}: media type ${quote(mediaType)}, expected ${CHECKPOINT_MEDIA_TYPE}`,
    );
  }
  await mkdir(directory, { mode: 0o700 });
  for await (const entry of readTar(store.read(digest, {}, { signal }))) {
    if (entry.kind === 'directory' && /^\.?\/?$/.test(entry.path)) continue;
    await writeImage(directory, nameOf(entry), entry.body);
  }
}

/** Of Go's archives each name may begin with `./`. */
function nameOf({ kind, path }: TarEntry): string {
  const name = path.replace(/^\.\//, '');
  if (kind === 'file' && !/[/\0]/.test(name) && !['', '.', '..'].includes(name)) return name;
  throw new Fault(
    'invalid_argument',
    `unpack checkpoint: ${quote(path)} is a ${kind}; expected files alone, side by side`,
  );
}

async function writeImage(directory: string, name: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await using file = await open(join(directory, name), 'wx', 0o600);
    for await (const chunk of body) await file.writeFile(chunk);
  } catch (e) {
    if (errnoOf(e) !== 'EEXIST' && errnoOf(e) !== 'ENAMETOOLONG') throw e;
    const reason = errnoOf(e) === 'EEXIST' ? 'is there twice' : 'has a name too long';
    throw new Fault('invalid_argument', `unpack checkpoint: ${quote(name)} ${reason}`, { cause: e });
  }
}
