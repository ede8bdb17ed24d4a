import { dir, type Entry, entry, file, link, paxBody, symlink } from '../../tar-writer.ts';
import type { HostileCase } from './hostile-case.ts';

const pax = (records: Record<string, string>): Uint8Array =>
  entry({ name: 'pax', type: 'x', body: paxBody(Object.entries(records)) });
const long = (type: 'L' | 'K', body: string, more: Partial<Entry> = {}): Uint8Array =>
  entry({ name: '././@LongLink', type, body, ...more });

const numbers: readonly HostileCase[] = ['1e3', '0x10', ' 5', '+5', '5.5', '٣', 'NaN', '1_000'].flatMap(
  (text, i) =>
    (['size', 'uid', 'gid'] as const).map((key) => ({
      id: `pax-${key}-type-confusion-${i}`,
      layer: [{ ...file('a', 'x'), pax: { [key]: Buffer.from(text) } }],
      refused: new RegExp(`${key} .*is not a number`),
    })),
);

const names: readonly HostileCase[] = (
  [
    ['number', '0'],
    ['exponent', '1e3'],
    ['true', 'true'],
    ['null', 'null'],
    ['undefined', 'undefined'],
    ['object', '[object Object]'],
    ['proto', '__proto__'],
  ] as const
).map(([id, path]) => ({
  id: `pax-path-type-confusion-${id}`,
  layer: [{ ...file('a', 'x'), pax: { path } }],
  after: { [path]: 'x', a: null },
}));

export const extended: readonly HostileCase[] = [
  ...numbers,
  ...names,
  { id: 'pax-size-huge', layer: [{ ...file('a'), pax: { size: '9'.repeat(20) } }], refused: /out of range/ },
  {
    id: 'pax-size-beyond-the-archive',
    layer: [{ ...file('a', 'x'), pax: { size: String(2 ** 52) } }],
    refused: /ends within/,
  },
  {
    id: 'pax-size-of-a-directory',
    layer: [{ ...dir('d'), pax: { size: '512' } }, file('next', 'n')],
    after: { d: 'dir/', next: 'n' },
  },
  {
    id: 'pax-size-of-a-hardlink',
    layer: [file('a', 'x'), { ...link('a', 'b'), pax: { size: '512' } }, file('next', 'n')],
    after: { b: '=a', next: 'n' },
  },
  {
    id: 'pax-size-of-a-long-link',
    layer: [
      pax({ size: '1024' }),
      long('K', 'CANARY/etc/passwd\0'),
      entry({ ...symlink('short', 'l'), name: 'l' }),
      file('next', 'n'),
    ],
    after: { next: 'n' },
  },
  {
    id: 'long-name-hides-nothing',
    layer: [long('L', `safe\0${'\0'.repeat(500)}`), file('a', 'x'), file('b', 'y')],
    after: { safe: 'x', b: 'y', a: null },
  },
  {
    id: 'long-name-dotdot',
    layer: [long('L', '../../../../escaped\0'), file('a', 'x')],
    after: { escaped: 'x' },
  },
  { id: 'long-name-root', layer: [long('L', '..\0'), file('a', 'x')], refused: /root/ },
  {
    id: 'long-name-negative',
    layer: [long('L', 'x\0', { size: Buffer.alloc(12, 0xff) })],
    refused: /extended header/,
    nameless: true,
  },
  {
    id: 'long-name-cut-off',
    layer: [long('L', 'longname\0')],
    cutAt: 700,
    refused: /ends within/,
    nameless: true,
  },
  {
    id: 'long-name-and-nothing',
    layer: [long('L', 'longname\0')],
    refused: /after an extended header/,
    nameless: true,
  },
  {
    id: 'long-name-last-one-counts',
    layer: [long('L', 'one\0'), long('L', 'two\0'), file('a', 'x')],
    after: { two: 'x', one: null, a: null },
  },
  {
    id: 'pax-last-one-counts',
    layer: [pax({ path: 'one' }), pax({ path: 'two' }), file('a', 'x')],
    after: { two: 'x', one: null, a: null },
  },
  {
    id: 'pax-record-taken-back',
    layer: [{ ...file('a', 'x'), pax: { path: '' } }],
    after: { a: 'x' },
  },
  {
    id: 'pax-repeated-key',
    layer: [
      entry({
        name: 'pax',
        type: 'x',
        body: paxBody([
          ['path', 'one'],
          ['path', '../two'],
        ]),
      }),
      file('a', 'x'),
    ],
    after: { two: 'x', one: null },
  },
  {
    id: 'pax-of-nothing',
    layer: [entry({ name: 'pax', type: 'x', body: '' }), file('a', 'x')],
    after: { a: 'x' },
  },
  {
    id: 'pax-key-with-nul',
    layer: [{ ...file('a', 'x'), pax: { 'path\0': 'b' } }],
    refused: /NUL/,
    nameless: true,
  },
  {
    id: 'pax-key-of-a-prototype',
    layer: [{ ...file('a', 'x'), pax: { __proto__x: '1', constructor: '2', toString: '3' } }],
    after: { a: 'x' },
  },
  {
    id: 'pax-charset',
    layer: [{ ...file('a', 'x'), pax: { hdrcharset: 'BINARY', path: Buffer.from('b\xff', 'latin1') } }],
    after: { a: null },
  },
  ...['1e9', '-', '.5', '1.2.3', '0x1'].map(
    (mtime, i): HostileCase => ({
      id: `pax-mtime-not-a-time-${i}`,
      layer: [{ ...file('a', 'x'), pax: { mtime } }],
      refused: /mtime .*is not a time/,
    }),
  ),
  {
    id: 'pax-mtime-beyond-the-kernel',
    layer: [{ ...file('a', 'x'), pax: { mtime: '9'.repeat(15), atime: '-5.5' } }],
    after: { a: 'x' },
  },
  ...['V', 'D', 'N', 'A', 'X', 'Z', '\xff'].map(
    (type): HostileCase => ({
      id: `type-${type === '\xff' ? 'ff' : type}`,
      layer: [{ ...file('a', 'x'), type }],
      refused: /type .*unknown/,
    }),
  ),
];
