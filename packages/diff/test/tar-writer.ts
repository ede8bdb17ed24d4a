/** A tar writer that can write what no honest one would. */
export interface Entry {
  name: string;
  type?: string;
  body?: string | Uint8Array;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  linkname?: string;
  dev?: readonly [number, number];
  /** Overrides of what is computed. */
  size?: number | Uint8Array;
  raw?: Partial<
    Record<
      'mode' | 'uid' | 'gid' | 'mtime' | 'magic' | 'checksum' | 'prefix' | 'devmajor' | 'devminor',
      Uint8Array | string
    >
  >;
  /** Records of a PAX header in front, latin1 or bytes. */
  pax?: Readonly<Record<string, string | Uint8Array>>;
}

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const bytes = (value: string | Uint8Array): Uint8Array => (typeof value === 'string' ? latin1(value) : value);

const octal = (value: number, width: number): Uint8Array =>
  latin1(`${value.toString(8).padStart(width - 1, '0')}\0`);

export function paxBody(records: Iterable<readonly [string, string | Uint8Array]>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [key, value] of records) {
    const rest = Buffer.concat([latin1(` ${key}=`), bytes(value), latin1('\n')]);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    parts.push(latin1(String(length)), rest);
  }
  return Buffer.concat(parts);
}

const padded = (body: Uint8Array): Uint8Array =>
  Buffer.concat([body, new Uint8Array((512 - (body.length % 512)) % 512)]);

/** Header and body of one entry, padded to blocks. */
export function entry(e: Entry): Uint8Array {
  const body = bytes(e.body ?? '');
  const block = new Uint8Array(512);
  const put = (value: string | Uint8Array, at: number, width: number) =>
    block.set(bytes(value).subarray(0, width), at);
  put(e.name, 0, 100);
  put(e.raw?.mode ?? octal(e.mode ?? 0o644, 8), 100, 8);
  put(e.raw?.uid ?? octal(e.uid ?? 0, 8), 108, 8);
  put(e.raw?.gid ?? octal(e.gid ?? 0, 8), 116, 8);
  put(typeof e.size === 'object' ? e.size : octal(e.size ?? body.length, 12), 124, 12);
  put(e.raw?.mtime ?? octal(e.mtime ?? 1_700_000_000, 12), 136, 12);
  put(e.type ?? '0', 156, 1);
  put(e.linkname ?? '', 157, 100);
  put(e.raw?.magic ?? 'ustar\x0000', 257, 8);
  if (e.dev !== undefined) {
    put(octal(e.dev[0], 8), 329, 8);
    put(octal(e.dev[1], 8), 337, 8);
  }
  put(e.raw?.devmajor ?? '', 329, 8);
  put(e.raw?.devminor ?? '', 337, 8);
  put(e.raw?.prefix ?? '', 345, 155);
  put('        ', 148, 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(e.raw?.checksum ?? latin1(`${sum.toString(8).padStart(6, '0')}\0 `), 148, 8);
  const extended =
    e.pax === undefined
      ? new Uint8Array()
      : entry({ name: 'pax', type: 'x', body: paxBody(Object.entries(e.pax)) });
  return Buffer.concat([extended, block, padded(body)]);
}

export const END = new Uint8Array(1024);

/** A whole archive; raw bytes pass as they are. */
export const tar = (...entries: (Entry | Uint8Array)[]): Buffer =>
  Buffer.concat([...entries.map((e) => (e instanceof Uint8Array ? e : entry(e))), END]);

export const file = (name: string, body: string | Uint8Array = '', mode = 0o644): Entry => ({
  name,
  body,
  mode,
});
export const dir = (name: string, mode = 0o755): Entry => ({ name, type: '5', mode });
export const symlink = (linkname: string, name: string): Entry => ({
  name,
  type: '2',
  linkname,
  mode: 0o777,
});
export const link = (linkname: string, name: string): Entry => ({ name, type: '1', linkname });
