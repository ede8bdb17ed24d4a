import { END, entry, file, paxBody, symlink } from '../../tar-writer.ts';
import type { HostileCase } from './hostile-case.ts';

const be = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const smuggled = entry(file('smuggled', 'out'));

export const format: readonly HostileCase[] = [
  {
    id: 'size-negative-base256',
    layer: [{ ...file('a'), size: be('ffffffffffffffffffffff00') }],
    refused: /size/,
  },
  { id: 'size-negative-pax', layer: [{ ...file('a'), pax: { size: '-512' } }], refused: /size/ },
  { id: 'size-huge', layer: [{ ...file('a'), size: be('800000007fffffffffffffff') }], refused: /range/ },
  { id: 'size-beyond-the-archive', layer: [{ ...file('a', 'x'), size: 1 << 20 }], refused: /ends within/ },
  { id: 'size-not-octal', layer: [{ ...file('a'), size: Buffer.from('0x10\0') }], refused: /number/ },
  {
    id: 'pax-size-hides-an-entry',
    layer: [
      { ...file('outer', smuggled), size: 0, pax: { size: String(smuggled.length) } },
      file('next', 'n'),
    ],
    after: { smuggled: null, next: 'n' },
  },
  {
    id: 'pax-size-shows-data-as-entries',
    layer: [{ ...file('outer', smuggled), pax: { size: '0' } }],
    after: { smuggled: 'out', outer: '' },
  },
  {
    id: 'pax-size-is-not-of-a-long-name',
    layer: [
      entry({ name: 'p', type: 'x', body: paxBody([['size', '512']]) }),
      entry({ name: 'L', type: 'L', body: 'longname\0' }),
      entry({ ...file('short', 'z'.repeat(512)) }),
    ],
    after: { longname: 'z'.repeat(512) },
  },
  {
    id: 'pax-size-of-a-link',
    layer: [{ ...symlink('t', 'l'), size: 512 }, file('next', 'n')],
    after: { l: '-> t', next: 'n' },
  },
  {
    id: 'pax-record-too-long',
    layer: [entry({ name: 'p', type: 'x', body: '99 path=a\n' }), file('a')],
    refused: /record/,
    nameless: true,
  },
  {
    id: 'pax-record-without-end',
    layer: [entry({ name: 'p', type: 'x', body: '9 path=ab' }), file('a')],
    refused: /record/,
    nameless: true,
  },
  {
    id: 'pax-record-negative',
    layer: [entry({ name: 'p', type: 'x', body: '-9 path=a\n' }), file('a')],
    refused: /record/,
    nameless: true,
  },
  {
    id: 'pax-record-without-key',
    layer: [entry({ name: 'p', type: 'x', body: '5 =a\n' }), file('a')],
    refused: /record/,
    nameless: true,
  },
  {
    id: 'pax-newline-in-value',
    layer: [{ ...file('a', 'x'), pax: { comment: 'one\n20 path=CANARY/evil\n' } }],
    after: { a: 'x', CANARY: null },
  },
  {
    id: 'pax-huge',
    layer: [entry({ name: 'p', type: 'x', body: new Uint8Array((1 << 20) + 1) }), file('a')],
    refused: /extended header/,
    nameless: true,
  },
  {
    id: 'long-name-huge',
    layer: [entry({ name: 'L', type: 'L', body: new Uint8Array((1 << 20) + 1) }), file('a')],
    refused: /extended header/,
    nameless: true,
  },
  {
    id: 'pax-nothing-follows',
    layer: [entry({ name: 'p', type: 'x', body: paxBody([['path', 'a']]) })],
    refused: /after an extended header/,
    nameless: true,
  },
  { id: 'pax-numeric-path', layer: [{ ...file('a', 'x'), pax: { path: '1' } }], after: { 1: 'x' } },
  {
    id: 'pax-global-path',
    layer: [
      entry({
        name: 'g',
        type: 'g',
        body: paxBody([
          ['path', 'CANARY/g'],
          ['size', '999'],
        ]),
      }),
      file('a', 'x'),
    ],
    after: { a: 'x' },
  },
  { id: 'uid-negative', layer: [{ ...file('a'), raw: { uid: be('ffffffffffffffff') } }], refused: /uid/ },
  { id: 'uid-too-large', layer: [{ ...file('a'), pax: { uid: '4294967295' } }], refused: /uid/ },
  { id: 'uid-overflows-to-root', layer: [{ ...file('a'), pax: { uid: '4294967296' } }], refused: /uid/ },
  { id: 'gid-not-a-number', layer: [{ ...file('a'), pax: { gid: '0x0' } }], refused: /gid/ },
  { id: 'mtime-not-a-time', layer: [{ ...file('a'), pax: { mtime: '1e9' } }], refused: /mtime/ },
  {
    id: 'checksum-wrong',
    layer: [{ ...file('a'), raw: { checksum: '000000\0 ' } }],
    refused: /checksum/,
    nameless: true,
  },
  { id: 'type-unknown', layer: [{ ...file('a'), type: 'Z' }], refused: /type/ },
  { id: 'type-multivolume', layer: [{ ...file('a'), type: 'M' }], refused: /type/ },
  {
    id: 'zero-block-inside',
    layer: [file('a', 'x'), new Uint8Array(512), file('b', 'y')],
    refused: /zeros/,
    nameless: true,
  },
  { id: 'after-the-end', layer: [file('a', 'x'), END, file('b', 'y')], after: { a: 'x', b: null } },
  {
    id: 'not-an-archive',
    layer: [Buffer.from('<html>'.repeat(200))],
    refused: /block|checksum|number/,
    nameless: true,
  },
  { id: 'device-numbers-too-large', layer: [{ name: 'd', type: '3', dev: [1 << 20, 0] }], refused: /device/ },
  {
    id: 'sparse-overlapping',
    layer: [
      {
        ...file('s', 'x'.repeat(20)),
        pax: { 'GNU.sparse.major': '0', 'GNU.sparse.size': '30', 'GNU.sparse.map': '0,10,5,10' },
      },
    ],
    refused: /overlap/,
  },
  {
    id: 'sparse-shorter-than-its-data',
    layer: [{ ...file('s', 'x'.repeat(20)), pax: { 'GNU.sparse.size': '5', 'GNU.sparse.map': '0,20' } }],
    refused: /longer/,
  },
  {
    id: 'sparse-map-without-data',
    layer: [{ ...file('s', 'x'), pax: { 'GNU.sparse.size': '1000', 'GNU.sparse.map': '0,500' } }],
    refused: /data/,
  },
  {
    id: 'sparse-map-endless',
    layer: [
      {
        ...file('s', `${'9'.repeat(600)}`),
        pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '1000' },
      },
    ],
    refused: /sparse|number/,
  },
  {
    id: 'sparse-bomb',
    layer: [
      {
        ...file('s'),
        pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9007199254740991' },
        body: '0\n',
      },
    ],
    refused: /EFBIG|data/,
  },
  {
    id: 'sparse-piece-negative',
    layer: [{ ...file('s', 'x'), pax: { 'GNU.sparse.size': '10', 'GNU.sparse.map': '0,-1' } }],
    refused: /overlap/,
  },
  {
    id: 'sparse-offset-negative',
    layer: [{ ...file('s', 'x'), pax: { 'GNU.sparse.size': '10', 'GNU.sparse.map': '-5,1' } }],
    refused: /overlap/,
  },
  {
    id: 'sparse-map-odd',
    layer: [{ ...file('s', 'x'), pax: { 'GNU.sparse.size': '10', 'GNU.sparse.map': '0,1,5' } }],
    refused: /odd/,
  },
  {
    id: 'sparse-map-not-numbers',
    layer: [{ ...file('s', 'x'), pax: { 'GNU.sparse.size': '1e3', 'GNU.sparse.map': '0,1' } }],
    refused: /number/,
  },
  {
    id: 'sparse-sum-overflows',
    layer: [
      {
        ...file('s', 'x'),
        pax: {
          'GNU.sparse.size': '9007199254740991',
          'GNU.sparse.map': '0,9007199254740991,9007199254740991,2',
        },
      },
    ],
    refused: /longer|more or less/,
  },
  {
    id: 'sparse-format-unknown',
    layer: [
      {
        ...file('s', 'x'),
        pax: { 'GNU.sparse.major': '2', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '1' },
      },
    ],
    refused: /sparse/,
  },
  {
    id: 'sparse-name-outside',
    layer: [
      {
        ...file('s', 'x'),
        pax: {
          'GNU.sparse.size': '1',
          'GNU.sparse.map': '0,1',
          'GNU.sparse.name': '../../CANARY/etc/passwd',
        },
      },
    ],
    after: { s: null },
  },
  {
    id: 'sparse-1.0-count-a-lie',
    layer: [
      {
        ...file('s', '999999999\n0\n'),
        pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '1000' },
      },
    ],
    refused: /sparse map/,
  },
  {
    id: 'sparse-1.0-map-longer-than-the-file',
    layer: [
      {
        ...file('s', ''),
        size: 1,
        body: '1\n0\n100\n',
        pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '100' },
      },
    ],
    refused: /sparse|data|size/,
  },
  {
    id: 'sparse-old-gnu',
    layer: [oldSparse({ offset: 1000, length: 4, realSize: 5000 })],
    after: { s: `${'\0'.repeat(1000)}data${'\0'.repeat(3996)}` },
  },
  {
    id: 'sparse-old-gnu-overlong',
    layer: [oldSparse({ offset: 5000, length: 4, realSize: 10 })],
    refused: /longer/,
  },
  {
    id: 'sparse-old-gnu-lies-about-data',
    layer: [oldSparse({ offset: 0, length: 5, realSize: 10 })],
    refused: /more or less/,
  },
  {
    id: 'sparse-old-gnu-endless',
    layer: [oldSparse({ offset: 0, length: 4, realSize: 10, isExtended: true })],
    refused: /block|number|overlap|more or less/,
  },
  { id: 'garbage-after-the-end', layer: [file('a', 'x'), END, Buffer.alloc(5000, 0xfe)], after: { a: 'x' } },
  {
    id: 'garbage-instead-of-the-end',
    layer: [file('a', 'x'), Buffer.alloc(700, 0xfe)],
    refused: /number|checksum/,
    nameless: true,
  },
  { id: 'garbage-of-one-byte', layer: [file('a', 'x'), END, Buffer.of(1)], after: { a: 'x' } },
  { id: 'zeros-endless', layer: [file('a', 'x'), new Uint8Array(1 << 20)], after: { a: 'x' } },
  { id: 'empty-archive', layer: [], after: {} },
];

/** A file of GNU's old sparse format with one piece. */
function oldSparse(map: { offset: number; length: number; realSize: number; isExtended?: true }): Uint8Array {
  const bytes = Uint8Array.from(entry({ ...file('s', 'data'), type: 'S', raw: { magic: 'ustar  \0' } }));
  const put = (value: number, at: number) =>
    bytes.set(Buffer.from(`${value.toString(8).padStart(11, '0')}\0`), at);
  put(map.offset, 386);
  put(map.length, 398);
  bytes[482] = map.isExtended === true ? 1 : 0;
  put(map.realSize, 483);
  const block = bytes.subarray(0, 512);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return bytes;
}
