import { Fault } from '@stowage/core';
import { BLOCK } from './header.ts';

/** One entry as it is to be written. Names are latin1: a character for a byte. */
export interface HeaderFields {
  /** `0` file, `1` hard link, `2` link, `3` character device, `4` block device, `5` directory, `6` FIFO. */
  readonly type: '0' | '1' | '2' | '3' | '4' | '5' | '6';
  /** From the root, without a slash in front; a directory's ends with one. */
  readonly name: string;
  readonly linkname: string;
  /** Permissions and setuid, setgid and sticky bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow. */
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly devmajor: number;
  readonly devminor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

const NS = 1_000_000_000n;
/** Largest numbers that fit fields of 8 and 12 bytes in octal. */
const MOST_SHORT = 0o7777777;
const MOST_LONG = 0o77777777777;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();

/**
 * The header of an entry: one ustar block, after a PAX header for what does not fit it (POSIX pax, "ustar Interchange
 * Format"). The same fields give the same bytes: there are no user names, no access and change times, and PAX records
 * stand in the order of their keys.
 *
 * @throws Fault `failed_precondition` for an extended attribute whose name a PAX record cannot hold.
 */
export function headerBlocks(fields: HeaderFields): Uint8Array {
  const { records, place } = paxRecords(fields);
  const header = block(fields, place);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const extended: HeaderFields = {
    ...fields,
    mode: 0,
    uid: 0,
    gid: 0,
    size: body.length,
    mtimeNs: 0n,
    devmajor: 0,
    devminor: 0,
    linkname: '',
    xattrs: NO_XATTRS,
  };
  const name = `PaxHeaders.0/${baseOf(fields.name)}`;
  const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
  return Buffer.concat([block(extended, { name: ascii(name), prefix: '' }, 'x'), body, padding, header]);
}

/** Where a name goes in a ustar block. */
interface Place {
  readonly name: string;
  readonly prefix: string;
}

function paxRecords(fields: HeaderFields): { records: Buffer[]; place: Place } {
  const { name, linkname, uid, gid, size, mtimeNs, xattrs } = fields;
  const values = new Map<string, Uint8Array>();
  const put = (key: string, value: string) => values.set(key, Buffer.from(value, 'latin1'));
  const place = placeOf(name);
  if (place === undefined) put('path', name);
  if (linkname.length > NAME_BYTES || !isAscii(linkname)) put('linkpath', linkname);
  if (uid > MOST_SHORT) put('uid', String(uid));
  if (gid > MOST_SHORT) put('gid', String(gid));
  if (size > MOST_LONG) put('size', String(size));
  if (mtimeNs % NS !== 0n || mtimeNs < 0n || mtimeNs / NS > BigInt(MOST_LONG)) put('mtime', paxTime(mtimeNs));
  for (const [key, value] of xattrs) {
    if (key.includes('=')) {
      throw new Fault(
        'failed_precondition',
        `extended attribute ${JSON.stringify(key)}: no archive can hold a name with "="`,
      );
    }
    values.set(`SCHILY.xattr.${key}`, value);
  }
  const keys = [...values.keys()].sort();
  return {
    records: keys.map((key) => record(key, values.get(key) as Uint8Array)),
    place: place ?? { name: ascii(name), prefix: '' },
  };
}

/** Whole, or cut in two at a slash; undefined if it is too long either way, or not ASCII. */
function placeOf(name: string): Place | undefined {
  if (!isAscii(name)) return undefined;
  if (name.length <= NAME_BYTES) return { name, prefix: '' };
  // The slash between is not written, and the last one, of a directory, must not be it.
  const slash = name.lastIndexOf('/', Math.min(PREFIX_BYTES, name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > NAME_BYTES) return undefined;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

function block(fields: HeaderFields, { name, prefix }: Place, type: string = fields.type): Buffer {
  const { mode, uid, gid, size, mtimeNs, linkname, devmajor, devminor } = fields;
  const seconds = mtimeNs < 0n || mtimeNs / NS > BigInt(MOST_LONG) ? 0 : Number(mtimeNs / NS);
  const bytes = Buffer.alloc(BLOCK);
  put(bytes, name, 0, NAME_BYTES);
  octal(bytes, mode, 100, 8);
  octal(bytes, uid > MOST_SHORT ? 0 : uid, 108, 8);
  octal(bytes, gid > MOST_SHORT ? 0 : gid, 116, 8);
  octal(bytes, size > MOST_LONG ? 0 : size, 124, 12);
  octal(bytes, seconds, 136, 12);
  put(bytes, '        ', 148);
  put(bytes, type, 156);
  put(bytes, isAscii(linkname) ? linkname : ascii(linkname), 157, NAME_BYTES);
  put(bytes, 'ustar\x0000', 257);
  octal(bytes, devmajor, 329, 8);
  octal(bytes, devminor, 337, 8);
  put(bytes, prefix, 345, PREFIX_BYTES);
  let sum = 0;
  for (const byte of bytes) sum += byte;
  put(bytes, `${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

function put(bytes: Buffer, text: string, at: number, most?: number): void {
  bytes.write(text, at, most ?? text.length, 'latin1');
}

function octal(bytes: Buffer, value: number, at: number, width: number): void {
  put(bytes, `${value.toString(8).padStart(width - 1, '0')}\0`, at);
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function record(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')]);
  let length = rest.length + String(rest.length).length;
  if (String(length).length + rest.length !== length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function paxTime(ns: bigint): string {
  const absolute = ns < 0n ? -ns : ns;
  const fraction = String(absolute % NS)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${ns < 0n ? '-' : ''}${absolute / NS}${fraction === '' ? '' : `.${fraction}`}`;
}

const baseOf = (name: string): string => name.replace(/\/$/, '').replace(/^.*\//s, '');

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** For readers that know no PAX: better than nothing, and never an empty name. */
const ascii = (text: string): string => text.replace(/[^\x21-\x7e]/g, '_').slice(0, NAME_BYTES);
