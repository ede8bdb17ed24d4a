import { dir, file, link, symlink } from '../../tar-writer.ts';
import type { HostileCase } from './hostile-case.ts';

const long = 'n'.repeat(255);

export const names: readonly HostileCase[] = [
  { id: 'name-dot-symlink', layer: [symlink('CANARY', '.')], refused: /root/ },
  { id: 'name-dot-slash-symlink', layer: [symlink('CANARY', './')], refused: /root/ },
  { id: 'name-slash-hardlink', layer: [link('etc', '/')], refused: /root/ },
  { id: 'name-dot-file', layer: [file('a/..', 'x')], refused: /root/ },
  {
    id: 'name-dot-directory',
    layer: [{ ...dir('./', 0o700), uid: 77 }, file('./a', 'x')],
    after: { a: 'x' },
  },
  { id: 'name-dots-only', layer: [file('.../x', 'three')], after: { '.../x': 'three' } },
  { id: 'name-slashes', layer: [file('//a///.//b', 'x')], after: { 'a/b': 'x' } },
  {
    id: 'name-longest',
    layer: [{ ...file('short', 'x'), pax: { path: `d/${long}` } }],
    after: { [`d/${long}`]: 'x' },
  },
  {
    id: 'name-too-long',
    layer: [{ ...file('short', 'x'), pax: { path: `${long}n` } }],
    refused: /ENAMETOOLONG/,
  },
  {
    id: 'path-too-long',
    layer: [{ ...file('short', 'x'), pax: { path: Array(30).fill(long).join('/') } }],
    refused: /longer/,
  },
  {
    id: 'path-too-long-through-links',
    layer: [
      { ...dir('x'), pax: { path: Array(12).fill(long).join('/') } },
      { ...symlink('x', 's'), pax: { linkpath: Array(12).fill(long).join('/') } },
      { ...dir('y'), pax: { path: `s/${Array(12).fill(long).join('/')}` } },
    ],
    refused: /longer/,
  },
  {
    id: 'name-nul-in-pax',
    layer: [{ ...file('a'), pax: { path: 'safe\0/../../CANARY/x' } }],
    refused: /NUL/,
    nameless: true,
  },
  {
    id: 'link-nul-in-pax',
    layer: [{ ...symlink('a', 'b'), pax: { linkpath: 'a\0b' } }],
    refused: /NUL/,
    nameless: true,
  },
  { id: 'name-not-utf8', layer: [file('\xff\xfe', 'x')] },
  { id: 'name-newline-and-controls', layer: [file('a\nb\x1b[31m', 'x')], after: { 'a\nb\x1b[31m': 'x' } },
  {
    id: 'name-prototype',
    layer: [dir('__proto__'), file('__proto__/constructor', 'x'), file('toString', 'y')],
    after: { '__proto__/constructor': 'x', toString: 'y' },
  },
  {
    id: 'links-in-a-circle',
    layer: [symlink('b', 'a'), symlink('a', 'b'), file('a/x', 'x')],
    refused: /ELOOP/,
  },
  {
    id: 'links-to-nothing-in-a-chain',
    layer: [...Array.from({ length: 60 }, (_, i) => symlink(`l${i + 1}/x`, `l${i}`)), file('l0/f', 'x')],
    refused: /ELOOP|links/,
  },
  { id: 'link-empty', layer: [symlink('', 'l')], refused: /ENOENT/ },
  { id: 'file-as-directory', layer: [file('a', 'x'), file('a/b', 'y')], refused: /ENOTDIR/ },
  {
    id: 'duplicates',
    layer: [file('a', '1'), dir('a'), file('a/b', '2'), symlink('x', 'a'), file('a', '3')],
    after: { a: '3' },
  },
  { id: 'name-empty-file', layer: [file('', 'x')], refused: /root/ },
  { id: 'name-empty-hardlink', layer: [file('a'), link('a', '')], refused: /root/ },
  { id: 'name-empty-directory', layer: [{ ...dir('', 0o700), uid: 9 }, file('a', 'x')], after: { a: 'x' } },
  { id: 'name-dot-hardlink', layer: [file('a'), link('a', '.')], refused: /root/ },
  { id: 'name-dot-slash-hardlink', layer: [file('a'), link('a', './')], refused: /root/ },
  { id: 'name-dot-fifo', layer: [{ name: '.', type: '6' }], refused: /root/ },
  { id: 'name-dot-device', layer: [{ name: './', type: '3', dev: [1, 3] }], refused: /root/ },
  { id: 'name-slash-file', layer: [file('/', 'x')], refused: /root/ },
  {
    id: 'name-dotdot-directory',
    layer: [{ ...dir('../..', 0o777), uid: 9 }, file('a', 'x')],
    after: { a: 'x' },
  },
  { id: 'name-slash-ended-file', layer: [file('a/', 'x')], after: { a: 'x' } },
  { id: 'name-slash-ended-symlink', layer: [symlink('CANARY/etc', 'a/')], after: { a: '-> CANARY/etc' } },
  { id: 'name-dot-ended', layer: [dir('d'), file('d/.', 'x')], after: { d: 'x' } },
  {
    id: 'name-of-v7-directory',
    layer: [{ ...dir('d/'), type: '\0' }, file('d/a', 'x')],
    after: { 'd/a': 'x' },
  },
  {
    id: 'name-longest-ustar',
    layer: [{ ...file('b'.repeat(100), 'x'), raw: { prefix: `${'p'.repeat(77)}/${'q'.repeat(77)}` } }],
    after: { [`${'p'.repeat(77)}/${'q'.repeat(77)}/${'b'.repeat(100)}`]: 'x' },
  },
  {
    id: 'name-through-prefix-dotdot',
    layer: [{ ...file('etc/passwd', 'x'), raw: { prefix: '../../../..' } }],
    after: { 'etc/passwd': 'x' },
  },
  { id: 'name-backslashes', layer: [file('..\\..\\a', 'x')], after: { '..\\..\\a': 'x' } },
  { id: 'name-drive', layer: [file('C:/../a', 'x'), file('C:b', 'y')], after: { a: 'x', 'C:b': 'y' } },
  {
    id: 'name-unicode-forms',
    layer: [
      { ...file('n', '1'), pax: { path: Buffer.from('\u00e9') } },
      { ...file('n', '2'), pax: { path: Buffer.from('e\u0301') } },
    ],
    after: { '\u00e9': '1', e\u0301: '2' },
  },
  {
    id: 'depth-most',
    layer: [{ ...file('short', 'x'), pax: { path: `${'d/'.repeat(1900)}f` } }],
    after: { [`${'d/'.repeat(1900)}f`]: 'x' },
  },
  {
    id: 'depth-4096',
    layer: [{ ...file('short', 'x'), pax: { path: `${'d/'.repeat(4096)}f` } }],
    refused: /longer|ENAMETOOLONG/,
  },
  {
    id: 'depth-4096-step-by-step',
    layer: [
      { ...dir('short'), pax: { path: 'd/'.repeat(1500) } },
      { ...symlink('short', 's'), pax: { linkpath: 'd/'.repeat(1500) } },
      { ...dir('short'), pax: { path: `s/${'d/'.repeat(1500)}` } },
    ],
    refused: /longer/,
  },
  {
    id: 'depth-of-dots',
    layer: [{ ...file('short', 'x'), pax: { path: `${'a/../'.repeat(5000)}f` } }],
    after: { f: 'x' },
  },
];
