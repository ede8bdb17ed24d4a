import { latin1 } from './header.ts';
import { malformed } from './malformed.ts';

/** One record; the value is bytes, since that of an extended attribute is. */
export type PaxRecord = readonly [key: string, value: Uint8Array];

/**
 * The records of a PAX extended header, in order: `LENGTH KEY=VALUE\n`, where LENGTH counts all of it.
 *
 * @throws Fault `invalid_argument`
 * @see POSIX pax, "pax Extended Header"
 */
export function parsePax(body: Uint8Array): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 || space - at > 8 ? '' : latin1(body.subarray(at, space));
    const length = /^[1-9]\d*$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = body.indexOf(0x3d, space + 1);
    if (length === 0 || end > body.length || body[end - 1] !== 0x0a || equals <= space + 1 || equals >= end) {
      throw malformed('a PAX header has a malformed record');
    }
    const key = latin1(body.subarray(space + 1, equals));
    if (key.includes('\0')) throw malformed('a PAX header has a key with a NUL');
    records.push([key, body.slice(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

const XATTR = 'SCHILY.xattr.';

/** What PAX records say of the entry that follows them. A key that is undefined was not there. */
export interface PaxFields {
  readonly values: ReadonlyMap<string, string>;
  /** Values of extended attributes, by name. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** `GNU.sparse.offset` and `GNU.sparse.numbytes` of sparse format 0.0, where keys repeat: in order. */
  readonly sparsePairs: readonly string[];
}

export const NO_PAX: PaxFields = { values: new Map(), xattrs: new Map(), sparsePairs: [] };

/** @throws Fault `invalid_argument` */
export function paxFields(body: Uint8Array): PaxFields {
  const values = new Map<string, string>();
  const xattrs = new Map<string, Uint8Array>();
  const sparsePairs: string[] = [];
  for (const [key, value] of parsePax(body)) {
    if (key.startsWith(XATTR)) {
      xattrs.set(key.slice(XATTR.length), value);
      continue;
    }
    const shown = latin1(value);
    if ((key === 'path' || key === 'linkpath' || key === 'GNU.sparse.name') && shown.includes('\0')) {
      throw malformed(`PAX ${key} has a NUL`);
    }
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') {
      const expected = sparsePairs.length % 2 === 0 ? 'GNU.sparse.offset' : 'GNU.sparse.numbytes';
      if (key !== expected) throw malformed('PAX sparse records are out of order');
      sparsePairs.push(shown);
    }
    // An empty value takes an earlier one back.
    if (shown === '') values.delete(key);
    else values.set(key, shown);
  }
  return { values, xattrs, sparsePairs };
}
