import { Fault } from '@stowage/core';
import { isZero, parseHeader, type RawHeader, text } from './header.ts';
import { malformed, quoted } from './malformed.ts';
import { paxNumber, paxTime } from './numbers.ts';
import { NO_PAX, type PaxFields, paxFields } from './pax.ts';
import { type ByteSource, paddingOf, takeBlock, takeBytes, takeChunks } from './source.ts';
import { checkSparse, oldGnuSparse, paxSparse, type Sparse, sparseName } from './sparse.ts';

export { quoted } from './malformed.ts';

export type EntryKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo';

/** One thing in an archive, all extensions merged in. Names are latin1: a character for a byte. */
export interface TarEntry {
  readonly kind: EntryKind;
  /** As it was written, never empty of meaning: see `unpack/names.ts`. */
  readonly name: string;
  readonly linkname: string;
  /** Permissions and setuid, setgid and sticky bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly atimeNs: bigint | undefined;
  readonly devmajor: number;
  readonly devminor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  readonly sparse: Sparse | undefined;
}

const KINDS: ReadonlyMap<string, EntryKind> = new Map([
  ['0', 'file'],
  ['\0', 'file'],
  ['7', 'file'],
  ['S', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'char'],
  ['4', 'block'],
  ['5', 'directory'],
  ['6', 'fifo'],
]);

/** An extended header or long name larger than this is hostile (as Go's archive/tar has it). */
const MOST_EXTENDED_BYTES = 1 << 20;

/** Ids the kernel can store; the last one means "leave it". */
const MOST_ID = 0xffff_fffe;

/**
 * Reads an archive entry by entry: ustar, GNU, star, v7, with POSIX extended headers.
 *
 * Where writers disagree it reads as Go's archive/tar, since that is what layers are made with and what containerd
 * unpacks them with: global extended headers are ignored, what cannot have data has none whatever its size says, and an
 * extended header speaks of the next file, never of a GNU long name in between.
 */
export class TarReader {
  readonly #source: ByteSource;
  /** Of the current entry: data not yet taken, and what fills its last block. */
  #left = 0;
  #padding = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /**
   * Goes to the next entry, past what is left of this one.
   *
   * @returns undefined at the end of the archive; more may follow in the stream.
   * @throws Fault `invalid_argument`
   */
  next(): TarEntry | undefined {
    this.#skip();
    let pax = NO_PAX;
    let longName: string | undefined;
    let longLink: string | undefined;
    for (;;) {
      const block = this.#headerBlock();
      if (block === undefined) {
        if (pax === NO_PAX && longName === undefined && longLink === undefined) return undefined;
        throw malformed('the archive ends after an extended header');
      }
      const raw = parseHeader(block);
      switch (raw.type) {
        case 'x':
          pax = paxFields(this.#extended(raw));
          break;
        case 'g':
          paxFields(this.#extended(raw));
          break;
        case 'L':
          longName = text(this.#extended(raw));
          break;
        case 'K':
          longLink = text(this.#extended(raw));
          break;
        default:
          return this.#entry(block, raw, pax, longName, longLink);
      }
    }
  }

  /** Hands out the data of the current entry, in pieces that are valid until `sink` returns. */
  data(size: number, sink: (chunk: Uint8Array) => void): void {
    this.#left -= size;
    takeChunks(this.#source, size, sink);
  }

  /** Bytes of the current entry's data not yet taken. */
  get left(): number {
    return this.#left;
  }

  /** Takes all that follows the archive, so that the whole stream gets hashed. */
  drain(): void {
    for (;;) {
      const bytes = this.#source.peek(1);
      if (bytes.length === 0) return;
      this.#source.take(bytes.length);
    }
  }

  #skip(): void {
    takeChunks(this.#source, this.#left, () => {});
    // An archive cut off in the padding after its last file lacks nothing.
    for (let left = this.#padding; left > 0; ) {
      const size = Math.min(this.#source.peek(left).length, left);
      if (size === 0) break;
      this.#source.take(size);
      left -= size;
    }
    this.#left = 0;
    this.#padding = 0;
  }

  /** Two blocks of zeros end an archive, or the end of the stream does. */
  #headerBlock(): Uint8Array | undefined {
    const block = takeBlock(this.#source);
    if (block === undefined || !isZero(block)) return block;
    const second = takeBlock(this.#source);
    if (second !== undefined && !isZero(second)) throw malformed('a block of zeros within the archive');
    return undefined;
  }

  #extended({ size, type }: RawHeader): Uint8Array {
    if (size < 0 || size > MOST_EXTENDED_BYTES)
      throw malformed(`an extended header (${type}) of ${size} bytes`);
    const body = takeBytes(this.#source, size);
    takeBytes(this.#source, paddingOf(size));
    return body;
  }

  #entry(
    block: Uint8Array,
    raw: RawHeader,
    pax: PaxFields,
    longName: string | undefined,
    longLink: string | undefined,
  ): TarEntry {
    const { values } = pax;
    const name = sparseName(pax) ?? longName ?? values.get('path') ?? raw.name;
    try {
      const kind = kindOf(raw.type, name);
      const number = (key: 'size' | 'uid' | 'gid') => {
        const value = values.get(key);
        return value === undefined ? raw[key] : paxNumber(value, key);
      };
      const size = number('size');
      if (size < 0) throw malformed(`a size of ${size}`);
      const mtime = values.get('mtime');
      const atime = values.get('atime');
      const entry = {
        kind,
        name,
        linkname: longLink ?? values.get('linkpath') ?? raw.linkname,
        mode: raw.mode & 0o7777,
        uid: checkId(number('uid'), 'uid'),
        gid: checkId(number('gid'), 'gid'),
        mtimeNs: mtime === undefined ? BigInt(raw.mtime) * 1_000_000_000n : paxTime(mtime, 'mtime'),
        atimeNs: atime === undefined ? undefined : paxTime(atime, 'atime'),
        devmajor: raw.devmajor,
        devminor: raw.devminor,
        xattrs: pax.xattrs,
      };
      return { ...entry, sparse: this.#data(block, raw.type, size, pax) };
    } catch (e) {
      if (!Fault.is(e)) throw e;
      throw malformed(`entry ${quoted(name)}: ${e.message}`, e);
    }
  }

  /** Takes the map of a sparse file, and notes how much data is left. */
  #data(block: Uint8Array, type: string, size: number, pax: PaxFields): Sparse | undefined {
    if (type >= '1' && type <= '6') return undefined;
    if (type === 'S') {
      const sparse = oldGnuSparse(block, this.#source);
      checkSparse(sparse, size);
      this.#left = size;
      this.#padding = paddingOf(size);
      return sparse;
    }
    const { sparse, mapBytes } = paxSparse(pax, this.#source) ?? { sparse: undefined, mapBytes: 0 };
    this.#left = size - mapBytes;
    this.#padding = paddingOf(size);
    if (sparse !== undefined) checkSparse(sparse, this.#left);
    return sparse;
  }
}

function kindOf(type: string, name: string): EntryKind {
  // Before POSIX a directory was a file whose name ends so.
  if (type === '\0' && name.endsWith('/')) return 'directory';
  const kind = KINDS.get(type);
  if (kind === undefined) throw malformed(`type ${quoted(type)} is unknown`);
  return kind;
}

function checkId(id: number, what: string): number {
  if (id < 0 || id > MOST_ID) throw malformed(`a ${what} of ${id}`);
  return id;
}
