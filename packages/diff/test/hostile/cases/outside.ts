import { dir, file, link, symlink } from '../../tar-writer.ts';
import type { HostileCase } from './hostile-case.ts';

const passwd = [dir('etc', 0o770), file('/etc/passwd', 'inside')];

export const outside: readonly HostileCase[] = [
  { id: 'file-absolute-outside', layer: [file('CANARY/etc/passwd', 'pwned')] },
  { id: 'file-dotdot-outside', layer: [file('../../../../../../CANARY/etc/passwd', 'pwned')] },
  {
    id: 'file-through-link-to-outside',
    layer: [symlink('CANARY', 'out'), file('out/etc/passwd', 'pwned')],
    after: { out: '-> CANARY' },
  },
  {
    id: 'file-through-dotdot-links',
    layer: [symlink('..', 'a'), symlink('a/..', 'b'), symlink('b/../..', 'c'), file('c/x', 'inside')],
    after: { x: 'inside' },
  },
  {
    id: 'file-replaces-link-not-its-target',
    layer: [symlink('CANARY/etc/passwd', 'pw'), file('pw', 'mine')],
    after: { pw: 'mine' },
  },
  {
    id: 'directory-on-link-to-outside',
    layer: [symlink('CANARY/etc', 'd'), { ...dir('d', 0o777), uid: 1000 }],
    after: { d: 'dir/' },
  },
  { id: 'hardlink-to-outside', layer: [link('CANARY/etc/passwd', 'pw')], refused: /ENOENT/ },
  {
    id: 'hardlink-to-outside-through-link',
    layer: [symlink('CANARY/etc', 'e'), link('e/passwd', 'pw')],
    refused: /ENOENT/,
  },
  { id: 'hardlink-to-dotdot', layer: [link('../../CANARY/etc/passwd', 'pw')], refused: /ENOENT/ },
  { id: 'hardlink-to-directory', layer: [dir('d'), link('d', 'e')], refused: /hard link/ },
  { id: 'hardlink-to-root', layer: [link('/', 'e')], refused: /hard link/ },
  { id: 'hardlink-to-nothing', layer: [link('', 'e')], refused: /hard link/ },
  { id: 'hardlink-to-itself', layer: [file('a', 'x'), link('a', 'a')], after: { a: 'x' } },
  {
    id: 'hardlink-to-inside-of-what-it-replaces',
    layer: [dir('d'), file('d/f'), link('d/f', 'd')],
    refused: /ENOENT/,
  },
  {
    id: 'whiteout-outside',
    layer: [file('../CANARY/etc/.wh.passwd'), symlink('CANARY', 'c'), file('c/etc/.wh.passwd')],
  },
  { id: 'opaque-through-link-to-outside', layer: [symlink('CANARY/etc', 'c'), file('c/.wh..wh..opq')] },
  {
    id: 'opaque-root',
    base: [...passwd, symlink('CANARY', 'c')],
    layer: [file('.wh..wh..opq'), file('new', 'n')],
    after: { etc: null, c: null, new: 'n' },
  },
  {
    id: 'directory-with-links-removed',
    base: [dir('d'), symlink('CANARY/etc', 'd/c'), symlink('..', 'd/up')],
    layer: [file('.wh.d')],
    after: { d: null },
  },
  {
    id: 'device-of-the-disk',
    layer: [{ name: 'disk', type: '4', dev: [254, 0], mode: 0o666 }, file('disk', 'x')],
    after: { disk: 'x' },
  },
  {
    id: 'memory-device-written-through',
    layer: [{ name: 'mem', type: '3', dev: [1, 1], mode: 0o666 }, file('mem', 'x')],
    after: { mem: 'x' },
  },
  { id: 'fifo-written-to', layer: [{ name: 'p', type: '6' }, file('p', 'x')], after: { p: 'x' } },
  { id: 'fifo-as-directory', layer: [{ name: 'p', type: '6' }, file('p/x', 'x')], refused: /ENOTDIR/ },
  {
    id: 'xattr-through-link',
    layer: [
      {
        ...symlink('CANARY/etc/passwd', 'l'),
        pax: { 'SCHILY.xattr.user.x': '1', 'SCHILY.xattr.trusted.x': '1' },
      },
    ],
    after: { l: '-> CANARY/etc/passwd' },
  },
  {
    id: 'whiteout-device',
    base: passwd,
    layer: [{ name: 'etc/passwd', type: '3', dev: [0, 0] }],
    after: { 'etc/passwd': null },
  },
  {
    id: 'overlay-redirect',
    layer: [
      {
        ...dir('d'),
        pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.trusted.overlay.opaque': 'y' },
      },
    ],
    after: { d: 'dir/' },
  },
  {
    id: 'proc-self-root',
    layer: [
      symlink('/proc/self/root', 'r'),
      file('r/CANARY/x', 'x'),
      symlink('/proc/self/cwd', 'w'),
      file('w/y', 'y'),
    ],
  },
  { id: 'hardlink-forward', layer: [link('later', 'a'), file('later', 'x')], refused: /ENOENT/ },
  { id: 'hardlink-to-itself-absent', layer: [link('a', 'a')], refused: /ENOENT/ },
  {
    id: 'hardlink-twice',
    layer: [file('a', 'x'), link('a', 'b'), link('a', 'b'), link('b', 'a')],
    after: { b: '=a' },
  },
  {
    id: 'hardlink-through-chain-of-links',
    layer: [symlink('CANARY', 'l1'), symlink('l1/etc', 'l2'), link('l2/passwd', 'pw'), file('pw', 'x')],
    refused: /ENOENT/,
  },
  { id: 'hardlink-to-proc', layer: [symlink('/proc/self/fd', 'p'), link('p/0', 'h')], refused: /ENOENT/ },
  {
    id: 'hardlink-then-written',
    base: [file('a', 'below')],
    layer: [link('a', 'b'), file('b', 'above')],
    after: { a: 'below', b: 'above' },
  },
  {
    id: 'hardlink-in-place-of-its-parent',
    layer: [dir('d'), file('f', 'x'), link('f', 'd'), file('d/g', 'y')],
    refused: /ENOTDIR/,
  },
  {
    id: 'symlink-in-place-of-root-of-names',
    layer: [symlink('CANARY', 'a'), symlink('a', 'b'), symlink('b', 'c'), file('c/c/c', 'x')],
    after: { a: '-> CANARY', b: '-> a' },
  },
  {
    id: 'symlink-swapped-for-directory-and-back',
    layer: [
      dir('d'),
      file('d/a', '1'),
      symlink('CANARY/etc', 'd'),
      file('d/b', '2'),
      dir('d'),
      file('d/passwd', '3'),
    ],
    after: { d: 'dir/', 'd/passwd': '3', 'd/a': null, 'd/b': null },
  },
  {
    id: 'opaque-in-link-to-root',
    base: [...passwd, symlink('/', 'r'), file('kept', 'k')],
    layer: [file('new', 'n'), file('r/.wh..wh..opq')],
    after: { new: 'n', etc: null, kept: null, r: null },
  },
  {
    id: 'opaque-again-and-again',
    base: [dir('d'), file('d/old'), dir('d/deep'), file('d/deep/old')],
    layer: [
      ...Array.from({ length: 200 }, () => file('d/.wh..wh..opq')),
      file('d/new', 'n'),
      ...Array.from({ length: 200 }, () => file('d/.wh..wh..opq')),
    ],
    after: { 'd/old': null, 'd/deep': null, 'd/new': 'n' },
  },
  {
    id: 'whiteout-through-dotdot-links',
    base: [...passwd, symlink('../../..', 'up')],
    layer: [file('up/CANARY/etc/.wh.passwd'), file('up/etc/.wh.passwd')],
    after: { 'etc/passwd': null },
  },
  { id: 'whiteout-of-nothing', layer: [file('.wh.')], refused: /whiteout/ },
  { id: 'whiteout-of-opaque', layer: [file('.wh..wh.a', 'x'), file('b', 'x')], after: { b: 'x' } },
  {
    id: 'whiteout-as-directory-and-link',
    base: [file('a', 'x'), file('b', 'x')],
    layer: [dir('.wh.a'), symlink('CANARY', '.wh.b')],
    after: { a: null, b: null },
  },
  {
    id: 'whiteout-device-through-link',
    base: [...passwd, symlink('CANARY/etc', 'e')],
    layer: [{ name: 'e/passwd', type: '3', dev: [0, 0] }],
    after: { 'etc/passwd': 'inside' },
  },
  {
    id: 'device-written-through-hardlink',
    layer: [{ name: 'null', type: '3', dev: [1, 3] }, link('null', 'h'), file('h', 'x')],
    after: { null: 'node', h: 'x' },
  },
  {
    id: 'device-as-directory',
    layer: [{ name: 'p', type: '3', dev: [1, 3] }, file('p/x', 'x')],
    refused: /ENOTDIR/,
  },
  {
    id: 'proc-kept-out',
    layer: [file('proc/sys/kernel/core_pattern', '|x')],
    after: { 'proc/sys/kernel/core_pattern': '|x' },
  },
  {
    id: 'sys-kept-out',
    layer: [dir('sys/fs/cgroup', 0o777), file('dev/kmsg', 'x')],
    after: { 'dev/kmsg': 'x' },
  },
];
