import { Fault } from '@stowage/core';
import { malformed, quoted } from './malformed.ts';
import { headerNumber } from './numbers.ts';

export const BLOCK = 512;

/** What one header block says. Text is latin1: a character for a byte, so that no name is lost or changed. */
export interface RawHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly type: string;
  readonly linkname: string;
  readonly devmajor: number;
  readonly devminor: number;
}

/** Where the bytes of a header are (POSIX pax, "ustar Header Block"; GNU tar manual, "Basic Tar Format"). */
const FIELD = {
  name: [0, 100],
  mode: [100, 108],
  uid: [108, 116],
  gid: [116, 124],
  size: [124, 136],
  mtime: [136, 148],
  checksum: [148, 156],
  type: [156, 157],
  linkname: [157, 257],
  magic: [257, 265],
  devmajor: [329, 337],
  devminor: [337, 345],
  prefix: [345, 500],
  /** star cuts the prefix short to keep two times there, and signs its headers. */
  starPrefix: [345, 476],
  starTrailer: [508, 512],
} as const;

type Field = (typeof FIELD)[keyof typeof FIELD];

const bytesOf = (block: Uint8Array, [from, to]: Field): Uint8Array => block.subarray(from, to);

/** Bytes up to the first NUL, one character each. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return latin1(end < 0 ? bytes : bytes.subarray(0, end));
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function isZero(block: Uint8Array): boolean {
  for (let i = 0; i < block.length; i++) if (block[i] !== 0) return false;
  return true;
}

/** @throws Fault `invalid_argument` */
export function parseHeader(block: Uint8Array): RawHeader {
  verifyChecksum(block);
  const magic = latin1(bytesOf(block, FIELD.magic));
  const isUstar = magic.startsWith('ustar\0');
  const knowsDevices = isUstar || magic.startsWith('ustar ');
  const isStar = isUstar && latin1(bytesOf(block, FIELD.starTrailer)) === 'tar\0';
  // GNU keeps other things where POSIX has the prefix.
  const prefix = isUstar ? text(bytesOf(block, isStar ? FIELD.starPrefix : FIELD.prefix)) : '';
  const base = text(bytesOf(block, FIELD.name));
  const name = prefix === '' ? base : `${prefix}/${base}`;
  const number = (field: Field, what: string) => {
    try {
      return headerNumber(bytesOf(block, field), what);
    } catch (e) {
      throw Fault.is(e) ? malformed(`entry ${quoted(name)}: ${e.message}`, e) : e;
    }
  };
  const type = latin1(bytesOf(block, FIELD.type));
  const isNode = knowsDevices && (type === '3' || type === '4');
  return {
    name,
    mode: number(FIELD.mode, 'mode'),
    uid: number(FIELD.uid, 'uid'),
    gid: number(FIELD.gid, 'gid'),
    size: number(FIELD.size, 'size'),
    mtime: number(FIELD.mtime, 'mtime'),
    type,
    linkname: text(bytesOf(block, FIELD.linkname)),
    devmajor: isNode ? number(FIELD.devmajor, 'devmajor') : 0,
    devminor: isNode ? number(FIELD.devminor, 'devminor') : 0,
  };
}

/** Old tars summed signed bytes; both are taken. */
function verifyChecksum(block: Uint8Array): void {
  const [from, to] = FIELD.checksum;
  let unsigned = 0;
  let above127 = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= from && i < to ? 0x20 : (block[i] as number);
    unsigned += byte;
    if (byte > 127) above127++;
  }
  const expected = headerNumber(bytesOf(block, FIELD.checksum), 'checksum');
  if (expected !== unsigned && expected !== unsigned - 256 * above127) {
    throw malformed('a header has a wrong checksum');
  }
}
