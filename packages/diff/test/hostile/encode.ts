import { gzipSync, zstdCompressSync } from 'node:zlib';
import { END, type Entry, entry } from '../tar-writer.ts';
import type { Damage, Kind, Plan, PlannedEntry } from './plan.ts';

const TYPES: Readonly<Record<Kind, string>> = {
  file: '0',
  directory: '5',
  symlink: '2',
  hardlink: '1',
  whiteout: '0',
  opaque: '0',
  fifo: '6',
  char: '3',
  block: '4',
};

const NAME_BYTES = 100;
/** What fits a field of eight bytes in octal. */
const MOST_OCTAL_ID = 0o7777777;

/** The archive of a plan, before compression. */
export function archiveOf({
  entries,
  dialect,
  damage,
}: Pick<Plan, 'entries' | 'dialect' | 'damage'>): Buffer {
  const parts = entries.map((planned) =>
    dialect === 'gnu' ? gnu(planned) : posix(planned, dialect === 'pax'),
  );
  return damage.reduce(damaged, Buffer.concat([...parts, END]));
}

export function packed({ compression, damage }: Plan, archive: Uint8Array): Uint8Array {
  if (compression === 'none') return archive;
  const bytes = compression === 'gzip' ? gzipSync(archive, { level: 1 }) : zstdCompressSync(archive);
  for (const { how, at, ...rest } of damage)
    if (how === 'packed') flip(bytes, at, 'bit' in rest ? rest.bit : 0);
  return bytes;
}

function headerOf(planned: PlannedEntry): Entry {
  const { kind, name, linkname, mode, uid, gid, mtime, body } = planned;
  const dev = kind === 'char' ? ([1, 3] as const) : ([254, 0] as const);
  return {
    ...{ name, linkname, mode, mtime, body, type: TYPES[kind] },
    uid: uid > MOST_OCTAL_ID ? 0 : uid,
    gid: gid > MOST_OCTAL_ID ? 0 : gid,
    ...((kind === 'char' || kind === 'block') && { dev }),
  };
}

/** ustar as long as it can say it all; extended headers where it can't, or always. */
function posix(planned: PlannedEntry, always: boolean): Uint8Array {
  const { name, linkname, uid, gid, xattrs } = planned;
  const split = always ? undefined : prefixed(name);
  const pax: Record<string, Uint8Array> = {};
  const record = (key: string, value: string) => {
    pax[key] = Buffer.from(value, 'latin1');
  };
  if (split === undefined && name !== '') record('path', name);
  if (linkname.length > NAME_BYTES || (always && linkname !== '')) record('linkpath', linkname);
  if (uid > MOST_OCTAL_ID) record('uid', String(uid));
  if (gid > MOST_OCTAL_ID) record('gid', String(gid));
  for (const [key, value] of Object.entries(xattrs)) record(`SCHILY.xattr.${key}`, value);
  const fields = { ...headerOf(planned), ...(split && { name: split.base, raw: { prefix: split.prefix } }) };
  return entry(Object.keys(pax).length > 0 ? { ...fields, pax } : fields);
}

/** A name as ustar's two fields, if it fits them. */
function prefixed(name: string): { prefix: string; base: string } | undefined {
  if (name.includes('\0')) return undefined;
  if (name.length <= NAME_BYTES) return { prefix: '', base: name };
  for (let at = name.indexOf('/'); at >= 0 && at <= 155; at = name.indexOf('/', at + 1)) {
    const base = name.slice(at + 1);
    if (at > 0 && base !== '' && base.length <= NAME_BYTES) return { prefix: name.slice(0, at), base };
  }
  return undefined;
}

/** As GNU tar writes it: long names in entries of their own, large numbers in base 256; no attributes. */
function gnu(planned: PlannedEntry): Uint8Array {
  const { name, linkname, uid, gid } = planned;
  const long = (type: 'L' | 'K', text: string) =>
    text.length > NAME_BYTES || text.includes('\0')
      ? entry({ name: '././@LongLink', type, body: `${text}\0`, raw: { magic: 'ustar  \0' } })
      : new Uint8Array();
  const id = (value: number) => (value > MOST_OCTAL_ID ? base256(value) : undefined);
  const raw = { magic: 'ustar  \0', ...drop({ uid: id(uid), gid: id(gid) }) };
  return Buffer.concat([long('K', linkname), long('L', name), entry({ ...headerOf(planned), raw })]);
}

function drop<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function base256(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  bytes[0] = 0x80;
  return bytes;
}

const placeIn = (bytes: Uint8Array, at: number): number => Math.floor((at / 2 ** 32) * bytes.length);

function flip(bytes: Uint8Array, at: number, bit: number): void {
  const place = placeIn(bytes, at);
  bytes[place] = (bytes[place] as number) ^ (1 << bit);
}

function damaged(bytes: Buffer, damage: Damage): Buffer {
  const place = placeIn(bytes, damage.at);
  switch (damage.how) {
    case 'flip': {
      const changed = Buffer.from(bytes);
      flip(changed, damage.at, damage.bit);
      return changed;
    }
    case 'cut':
      return bytes.subarray(0, place);
    case 'insert':
      return Buffer.concat([bytes.subarray(0, place), Buffer.alloc(512, damage.byte), bytes.subarray(place)]);
    case 'packed':
      return bytes;
  }
}
