import { Fault } from '@stowage/core';
import { Header, Pax } from 'tar';
import { ByteSource } from './byte-source.ts';

export interface TarEntry {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  /** Where a symbolic or hard link leads. */
  readonly linkPath: string;
  /** True for a symbolic link, whose target counts from its own directory. */
  readonly symbolic: boolean;
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Date;
  /** Read it at most once, before the next entry is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
}

const BLOCK = 512;
const EPOCH = new Date(0);
/** These have no body, whatever their size field says (Go archive/tar, isHeaderOnlyType). */
const HEADER_ONLY: ReadonlySet<string> = new Set([
  'Link',
  'SymbolicLink',
  'CharacterDevice',
  'BlockDevice',
  'Directory',
  'FIFO',
]);
/** Longest name or PAX header. */
const MAX_META_BYTES = 1024 * 1024;
/** Most entries: an image archive has a few for each layer. */
const MAX_ENTRIES = 100_000;

/**
 * Entries of a tar stream in their order. Headers are node-tar's to decode; nothing is written anywhere.
 *
 * @throws Fault `invalid_argument` for what is no tar or ends early.
 */
export async function* readTar(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  await using source = new ByteSource(bytes, 'read archive');
  let local: Pax | undefined;
  let global: Pax | undefined;
  let longPath: string | undefined;
  let longLink: string | undefined;
  for (let entries = 0; ; ) {
    const block = await source.take(BLOCK);
    if (block === undefined || block.every((byte) => byte === 0)) {
      // Whoever writes the archive into a pipe still has padding to write.
      await source.drain(MAX_META_BYTES);
      return;
    }
    const header = decode(block, local, global);
    const sizeBytes = header.size ?? 0;
    switch (header.type) {
      case 'ExtendedHeader':
      case 'OldExtendedHeader':
        local = Pax.parse(await meta(source, sizeBytes), local, false);
        continue;
      case 'GlobalExtendedHeader':
        global = Pax.parse(await meta(source, sizeBytes), global, true);
        continue;
      case 'NextFileHasLongPath':
      case 'OldGnuLongPath':
        longPath = await metaString(source, sizeBytes);
        continue;
      case 'NextFileHasLongLinkpath':
        longLink = await metaString(source, sizeBytes);
        continue;
      default:
    }
    if (++entries > MAX_ENTRIES) throw malformed(`more than ${MAX_ENTRIES} entries`);
    const kind = kindOf(header);
    const length = HEADER_ONLY.has(header.type) ? 0 : sizeBytes;
    const body = source.stream(length);
    yield {
      path: String(local?.path ?? longPath ?? header.path ?? ''),
      kind,
      linkPath: String(local?.linkpath ?? longLink ?? header.linkpath ?? ''),
      symbolic: header.type === 'SymbolicLink',
      sizeBytes: length,
      mode: (header.mode ?? 0) & 0o7777,
      uid: header.uid ?? 0,
      gid: header.gid ?? 0,
      mtime: header.mtime ?? EPOCH,
      body,
    };
    await source.skipRest();
    await source.skip((BLOCK - (length % BLOCK)) % BLOCK);
    local = longPath = longLink = undefined;
  }
}

function decode(block: Buffer, local: Pax | undefined, global: Pax | undefined): Header {
  const header = new Header(block, 0, local, global);
  if (!header.cksumValid) throw malformed('it is no tar archive, or damaged: wrong checksum');
  if (header.size === undefined || !Number.isSafeInteger(header.size))
    throw malformed('an entry has no size');
  return header;
}

function kindOf({ type }: Header): TarEntry['kind'] {
  switch (type) {
    case 'File':
    case 'OldFile':
    case 'ContiguousFile':
      return 'file';
    case 'Directory':
      return 'directory';
    case 'Link':
    case 'SymbolicLink':
      return 'link';
    default:
      return 'other';
  }
}

async function meta(source: ByteSource, sizeBytes: number): Promise<string> {
  if (sizeBytes > MAX_META_BYTES)
    throw malformed(`an extended header of ${sizeBytes} bytes, the most is ${MAX_META_BYTES}`);
  const padded = Math.ceil(sizeBytes / BLOCK) * BLOCK;
  const bytes = await source.take(padded);
  if (bytes === undefined && padded > 0) throw malformed('it ends in the middle of a header');
  return bytes?.toString('utf8', 0, sizeBytes) ?? '';
}

async function metaString(source: ByteSource, sizeBytes: number): Promise<string> {
  const text = await meta(source, sizeBytes);
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

function malformed(reason: string): Fault {
  return new Fault('invalid_argument', `read archive: ${reason}`);
}
