import { Fault, quote } from '@stowage/core';
import { Header, Pax } from 'tar';

export interface TarItem {
  /** Without a leading slash. */
  readonly path: string;
  readonly type: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'BlockDevice' | 'FIFO';
  /** Permission bits. */
  readonly mode: number;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly mtime?: Date | undefined;
  readonly linkPath?: string | undefined;
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  /** For files only. */
  readonly sizeBytes?: number | undefined;
  readonly body?: AsyncIterable<Uint8Array> | undefined;
}

const BLOCK = 512;
const EPOCH = new Date(0);

/**
 * A tar archive of items, in their order. It depends on nothing but them: no names of users, no access times, and PAX
 * headers only for what does not fit a plain one.
 *
 * @throws Fault `failed_precondition` if a body is not as long as said: the file changed meanwhile.
 */
export async function* writeTar(
  items: Iterable<TarItem> | AsyncIterable<TarItem>,
): AsyncGenerator<Uint8Array> {
  for await (const item of items) {
    const { sizeBytes = 0, body } = item;
    yield headerOf(item);
    let missing = sizeBytes;
    for await (const chunk of body ?? []) {
      missing -= chunk.byteLength;
      if (missing < 0) break;
      yield chunk;
    }
    if (missing !== 0) {
      throw new Fault(
        'failed_precondition',
        `write ${quote(item.path)} to archive: not ${sizeBytes} bytes long any more; it changed meanwhile`,
      );
    }
    const over = sizeBytes % BLOCK;
    if (over > 0) yield new Uint8Array(BLOCK - over);
  }
  yield new Uint8Array(2 * BLOCK);
}

function headerOf(item: TarItem): Uint8Array {
  const fields = {
    path: item.type === 'Directory' ? `${item.path.replace(/\/$/, '')}/` : item.path,
    type: item.type,
    mode: item.mode,
    uid: item.uid ?? 0,
    gid: item.gid ?? 0,
    size: item.sizeBytes ?? 0,
    mtime: item.mtime ?? EPOCH,
    linkpath: item.linkPath ?? '',
    devmaj: item.major ?? 0,
    devmin: item.minor ?? 0,
  };
  const block = Buffer.alloc(BLOCK);
  const header = new Header(fields);
  if (!header.encode(block)) return block;
  const { path, linkpath, size, uid, gid } = fields;
  const extended = new Pax({ path, size, uid, gid, ...(linkpath !== '' && { linkpath }) });
  return Buffer.concat([extended.encode(), block]);
}
