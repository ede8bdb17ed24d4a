import { BLOCK, latin1 } from './header.ts';
import { malformed } from './malformed.ts';
import { headerNumber, paxNumber } from './numbers.ts';
import type { PaxFields } from './pax.ts';
import { type ByteSource, takeBlock } from './source.ts';

/** A file with holes: the pieces that are in the archive, in order, and the file's length. */
export interface Sparse {
  readonly realSize: number;
  readonly pieces: readonly SparsePiece[];
}

export interface SparsePiece {
  readonly offset: number;
  readonly length: number;
}

/** More pieces than that nobody's file has; each costs memory before the first byte is written. */
const MOST_PIECES = 1 << 18;

/** The map of GNU's old format: in the header block (type `S`), and in the blocks that follow it. */
export function oldGnuSparse(header: Uint8Array, source: ByteSource): Sparse {
  const realSize = headerNumber(header.subarray(483, 495), 'sparse size');
  const pieces = gnuPieces(header.subarray(386, 386 + 4 * 24));
  for (let isExtended = header[482] === 1; isExtended; ) {
    const block = takeBlock(source);
    if (block === undefined) throw malformed('the archive ends within a sparse map');
    pieces.push(...gnuPieces(block.subarray(0, 21 * 24)));
    checkCount(pieces.length);
    isExtended = block[504] === 1;
  }
  return { realSize, pieces };
}

function gnuPieces(table: Uint8Array): SparsePiece[] {
  const pieces: SparsePiece[] = [];
  for (let at = 0; at < table.length && table[at] !== 0; at += 24) {
    pieces.push({
      offset: headerNumber(table.subarray(at, at + 12), 'sparse offset'),
      length: headerNumber(table.subarray(at + 12, at + 24), 'sparse length'),
    });
  }
  return pieces;
}

/**
 * The map that PAX records announce, if they do: formats 0.0 and 0.1 keep it in records, 1.0 in front of the data.
 *
 * @returns also how many bytes of the entry's data were the map.
 * @see GNU tar manual, "Storing Sparse Files"
 */
export function paxSparse(
  { values, sparsePairs }: PaxFields,
  source: ByteSource,
): { sparse: Sparse; mapBytes: number } | undefined {
  const size = values.get('GNU.sparse.realsize') ?? values.get('GNU.sparse.size');
  const major = values.get('GNU.sparse.major');
  if (size === undefined) {
    if (major !== undefined) throw malformed('PAX sparse records lack the size');
    return undefined;
  }
  const realSize = paxNumber(size, 'GNU.sparse.realsize');
  if (major !== undefined && major !== '0') {
    if (major !== '1' || values.get('GNU.sparse.minor') !== '0') throw malformed('unknown sparse format');
    const { numbers, mapBytes } = mapInData(source);
    return { sparse: { realSize, pieces: paired(numbers) }, mapBytes };
  }
  const map = values.get('GNU.sparse.map');
  const numbers = map === undefined ? sparsePairs : map.split(',');
  return { sparse: { realSize, pieces: paired(numbers) }, mapBytes: 0 };
}

/** Format 1.0: decimal lines, the count of pieces first, filled up to whole blocks. */
function mapInData(source: ByteSource): { numbers: string[]; mapBytes: number } {
  const lines: string[] = [];
  let rest = '';
  let mapBytes = 0;
  for (let wanted = 1; lines.length < wanted; ) {
    const block = takeBlock(source);
    if (block === undefined) throw malformed('the archive ends within a sparse map');
    mapBytes += BLOCK;
    const parts = (rest + latin1(block)).split('\n');
    rest = parts.pop() as string;
    if (rest.length > BLOCK) throw malformed('a sparse map has no lines');
    lines.push(...parts);
    const count = paxNumber(lines[0] ?? '', 'sparse count');
    checkCount(count);
    wanted = 1 + 2 * count;
    lines.length = Math.min(lines.length, wanted);
  }
  return { numbers: lines.slice(1), mapBytes };
}

function paired(numbers: readonly string[]): SparsePiece[] {
  if (numbers.length % 2 !== 0) throw malformed('a sparse map has an odd number of numbers');
  checkCount(numbers.length / 2);
  const pieces: SparsePiece[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    pieces.push({
      offset: paxNumber(numbers[i] as string, 'sparse offset'),
      length: paxNumber(numbers[i + 1] as string, 'sparse length'),
    });
  }
  return pieces;
}

function checkCount(count: number): void {
  if (count < 0 || count > MOST_PIECES) throw malformed(`a sparse map of ${count} pieces`);
}

/** @throws Fault `invalid_argument` for pieces that overlap, leave the file, or are not all the data there is. */
export function checkSparse({ realSize, pieces }: Sparse, dataBytes: number): void {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of pieces) {
    if (offset < end || length < 0) throw malformed('pieces of a sparse file overlap');
    end = offset + length;
    sum += length;
  }
  if (realSize < 0 || end > realSize) throw malformed('a sparse file is longer than it says');
  if (sum !== dataBytes) throw malformed('a sparse file has more or less data than its map');
}

/** Name of a file that PAX sparse records describe; its header has a made-up one. */
export const sparseName = ({ values }: PaxFields): string | undefined => values.get('GNU.sparse.name');
