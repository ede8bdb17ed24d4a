import { type Entry, entry, file } from '../../tar-writer.ts';
import type { HostileCase } from './hostile-case.ts';

/** Fields of a header: where each ends (POSIX pax, "ustar Header Block"). */
const ENDS = {
  name: 100,
  mode: 108,
  uid: 116,
  gid: 124,
  size: 136,
  mtime: 148,
  checksum: 156,
  type: 157,
  linkname: 257,
  magic: 263,
  version: 265,
  uname: 297,
  gname: 329,
  devmajor: 337,
  devminor: 345,
  prefix: 500,
} as const;

/** Cut off within each field of the header, and right behind it. */
const truncated: readonly HostileCase[] = Object.entries(ENDS).flatMap(([field, end]) => [
  {
    id: `cut-off-in-${field}`,
    layer: [file('first', 'x'), file('a', 'y')],
    cutAt: 1024 + end - 1,
    refused: /ends within a block/,
    nameless: true,
  },
  {
    id: `cut-off-after-${field}`,
    layer: [file('first', 'x'), file('a', 'y')],
    cutAt: 1024 + end,
    refused: /ends within a block/,
    nameless: true,
  },
]);

type Numeric = 'mode' | 'uid' | 'gid' | 'mtime' | 'size' | 'devmajor' | 'devminor';
const WIDTH: Readonly<Record<Numeric, number>> = {
  mode: 8,
  uid: 8,
  gid: 8,
  mtime: 12,
  size: 12,
  devmajor: 8,
  devminor: 8,
};

/** Bytes that are no number, or none that can be meant. */
const NONSENSE: Readonly<Record<string, (width: number) => Uint8Array>> = {
  'letters-in': (width) => Buffer.alloc(width, 'z'),
  'minus-in': (width) => Buffer.from('-1'.padEnd(width, '\0'), 'latin1'),
  'hexadecimal-in': (width) => Buffer.from('0x1f'.padEnd(width, '\0'), 'latin1'),
  'nine-in': (width) => Buffer.from('0000009'.padEnd(width, '\0'), 'latin1'),
  'two-numbers-in': (width) => Buffer.from('1 1'.padEnd(width, '\0'), 'latin1'),
  'out-of-range': (width) => Buffer.concat([Buffer.of(0x80, 0x7f), Buffer.alloc(width - 2, 0xff)]),
};

/** With a checksum that is right, so that nothing but the field is wrong. */
function withField(field: Numeric, bytes: Uint8Array): Entry {
  const type = field.startsWith('dev') ? '3' : '0';
  if (field === 'size') return { ...file('a'), size: bytes };
  return { name: 'a', type, dev: [1, 3], raw: { [field]: bytes } };
}

const nonsense: readonly HostileCase[] = Object.entries(NONSENSE).flatMap(([how, make]) =>
  (Object.keys(WIDTH) as Numeric[]).map((field) => ({
    id: `${how}-${field}`,
    layer: [withField(field, make(WIDTH[field]))],
    refused: new RegExp(`${field} is (?:not a number|out of range)`),
  })),
);

const negative = (width: number): Uint8Array => Buffer.alloc(width, 0xff);

/** One byte of a header changed, at each place: the checksum tells. */
const flipped: readonly HostileCase[] = Object.entries(ENDS).map(([field, end]) => {
  const bytes = Uint8Array.from(entry(file('a', 'x')));
  const at = field === 'type' ? end - 1 : end - 2;
  bytes[at] = (bytes[at] as number) ^ 0x01;
  return { id: `bit-flipped-in-${field}`, layer: [bytes], refused: /checksum|number/, nameless: true };
});

export const fields: readonly HostileCase[] = [
  ...truncated,
  ...nonsense,
  ...flipped,
  { id: 'negative-uid', layer: [withField('uid', negative(8))], refused: /a uid of -1/ },
  { id: 'negative-gid', layer: [withField('gid', negative(8))], refused: /a gid of -1/ },
  { id: 'negative-size', layer: [withField('size', negative(12))], refused: /a size of -1/ },
  { id: 'negative-devmajor', layer: [withField('devmajor', negative(8))], refused: /out of range/ },
  { id: 'negative-mtime', layer: [withField('mtime', negative(12))], after: { a: '' } },
  {
    id: 'blank-numbers',
    layer: [{ ...file('a', 'x'), raw: { mode: '', uid: '', gid: '       ', mtime: '' } }],
    after: { a: 'x' },
    stats: { a: '0 0:0' },
  },
  {
    id: 'uid-greatest',
    layer: [{ ...file('a', 'x'), raw: { uid: Buffer.from('80000000fffffffe', 'hex') } }],
    stats: { a: '644 4294967294:0' },
  },
  {
    id: 'mode-with-file-type',
    layer: [{ ...file('a', 'x'), mode: 0o60644 }],
    after: { a: 'x' },
    stats: { a: '644 0:0' },
  },
  { id: 'cut-off-in-data', layer: [file('a', 'x'.repeat(3000))], cutAt: 2000, refused: /ends within/ },
  {
    id: 'cut-off-before-data',
    layer: [file('a', 'x'.repeat(3000))],
    cutAt: 512,
    refused: /ends within/,
  },
  { id: 'cut-off-in-padding', layer: [file('a', 'x')], cutAt: 520, after: { a: 'x' } },
  { id: 'cut-off-before-the-end', layer: [file('a', 'x')], cutAt: 1024, after: { a: 'x' } },
  { id: 'cut-off-in-the-end', layer: [file('a', 'x')], cutAt: 1536, after: { a: 'x' } },
  { id: 'cut-off-at-once', layer: [file('a', 'x')], cutAt: 0, after: { a: null } },
  {
    id: 'junk-behind-the-end-of-numbers',
    layer: [
      {
        ...file('a', 'x'),
        size: Buffer.from('1\0zzzzzzzzzz'),
        raw: { mode: '0600\0zzz', uid: '7\x009', gid: '10\0z' },
      },
    ],
    after: { a: 'x' },
    stats: { a: '600 7:8' },
  },
];
