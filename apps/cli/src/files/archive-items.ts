import { readTar, type TarItem } from '@stowage/oci-image/tar';

const TYPES = { file: 'File', directory: 'Directory', other: 'CharacterDevice' } as const;

/** What an archive holds, to be put somewhere. Devices, and what else no copy has, are told as devices. */
export async function* archiveItems(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TarItem> {
  for await (const { kind, symbolic, path, linkPath, sizeBytes, mode, uid, gid, mtime, body } of readTar(
    bytes,
  )) {
    const type = kind === 'link' ? (symbolic ? 'SymbolicLink' : 'Link') : TYPES[kind];
    yield { path, type, linkPath, sizeBytes, mode, uid, gid, mtime, body };
  }
}
