import { dir, file, link, symlink } from '../../tar-writer.ts';
import type { HostileCase } from './hostile-case.ts';

/** As `setcap cap_net_raw+ep` writes it (linux/capability.h, VFS_CAP_REVISION_2). */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

export const attributes: readonly HostileCase[] = [
  {
    id: 'setuid-survives-the-owner',
    layer: [
      { ...file('a', 'x', 0o4755), uid: 1000, gid: 1000 },
      { ...file('b', 'x', 0o2755), uid: 1000, gid: 1000 },
      { ...dir('d', 0o3777), uid: 7, gid: 8 },
    ],
    stats: { a: '4755 1000:1000', b: '2755 1000:1000', d: '3777 7:8' },
  },
  {
    id: 'setuid-of-what-was-there-is-gone',
    base: [{ ...file('a', 'root', 0o4755), uid: 0 }],
    layer: [{ ...file('a', 'mine', 0o755), uid: 1000 }],
    after: { a: 'mine' },
    stats: { a: '755 1000:0' },
  },
  {
    id: 'hardlink-changes-no-mode',
    base: [{ ...file('a', 'x', 0o600), uid: 5 }],
    layer: [{ ...link('a', 'b'), mode: 0o4777, uid: 1000, gid: 1000, mtime: 5 }],
    after: { b: '=a' },
    stats: { a: '600 5:0', b: '600 5:0' },
  },
  {
    id: 'hardlink-keeps-capability',
    layer: [
      { ...file('a', 'x', 0o755), pax: { 'SCHILY.xattr.security.capability': CAPABILITY } },
      { ...link('a', 'b'), mode: 0o755 },
    ],
    after: { b: '=a' },
    xattrs: { a: ['security.capability'], b: ['security.capability'] },
  },
  {
    id: 'hardlink-to-symlink-to-outside',
    layer: [symlink('CANARY/etc/passwd', 'l'), { ...link('l', 'h'), mode: 0o777, uid: 1000 }],
    after: { h: '-> CANARY/etc/passwd' },
  },
  {
    id: 'symlink-has-its-own-owner',
    layer: [{ ...symlink('CANARY/etc/passwd', 'l'), uid: 1000, gid: 1000, mtime: 5 }],
    stats: { l: '777 1000:1000' },
  },
  {
    id: 'capability-not-of-what-was-there',
    base: [{ ...file('a', 'x', 0o755), pax: { 'SCHILY.xattr.security.capability': CAPABILITY } }],
    layer: [file('a', 'y', 0o755)],
    after: { a: 'y' },
    xattrs: { a: [] },
  },
  {
    id: 'capability-damaged',
    layer: [{ ...file('a', 'x'), pax: { 'SCHILY.xattr.security.capability': 'not one' } }],
    refused: /EINVAL/,
  },
  {
    id: 'xattrs-of-overlays',
    layer: [
      {
        ...dir('d'),
        pax: {
          'SCHILY.xattr.trusted.overlay.opaque': 'y',
          'SCHILY.xattr.trusted.overlay.redirect': '/etc',
          'SCHILY.xattr.user.overlay.opaque': 'y',
          'SCHILY.xattr.user.kept': '1',
        },
      },
      {
        ...file('f', 'x'),
        pax: {
          'SCHILY.xattr.trusted.overlay.metacopy': '',
          'SCHILY.xattr.trusted.overlay.origin': 'x',
          'SCHILY.xattr.user.overlay.whiteout': '',
        },
      },
    ],
    xattrs: { d: ['user.kept'], f: [] },
  },
  {
    id: 'xattr-of-a-system',
    layer: [{ ...file('a', 'x'), pax: { 'SCHILY.xattr.system.stowage': '1' } }],
    after: { a: 'x' },
  },
  {
    id: 'xattr-without-a-name',
    layer: [{ ...file('a', 'x'), pax: { 'SCHILY.xattr.': '1' } }],
    refused: /ERANGE/,
  },
  {
    id: 'xattr-without-a-class',
    layer: [{ ...file('a', 'x'), pax: { 'SCHILY.xattr.plain': '1' } }],
    after: { a: 'x' },
  },
  {
    id: 'xattr-name-too-long',
    layer: [{ ...file('a', 'x'), pax: { [`SCHILY.xattr.user.${'n'.repeat(260)}`]: '1' } }],
    refused: /ERANGE|ENAMETOOLONG/,
  },
  {
    id: 'xattr-too-large',
    layer: [{ ...file('a', 'x'), pax: { 'SCHILY.xattr.user.a': 'v'.repeat(70_000) } }],
    refused: /E2BIG/,
  },
  {
    id: 'xattr-value-with-newlines-and-nul',
    layer: [{ ...file('a', 'x'), pax: { 'SCHILY.xattr.user.a': '1\n20 path=../evil\n\0' } }],
    after: { a: 'x', evil: null },
    xattrs: { a: ['user.a'] },
  },
  {
    id: 'xattrs-of-the-administrator',
    layer: [{ ...file('a', 'x'), pax: { 'SCHILY.xattr.trusted.any': '1', 'SCHILY.xattr.user.any': '1' } }],
    xattrs: { a: ['user.any'] },
  },
  {
    id: 'directory-times-behind-a-link-to-itself',
    layer: [dir('z'), dir('z/y'), symlink('/z', 'z'), file('a', 'x')],
    after: { z: '-> /z', a: 'x' },
  },
  {
    id: 'directory-times-behind-a-link',
    layer: [
      { ...dir('a'), mtime: 5 },
      { ...dir('a/y'), mtime: 6 },
      dir('z'),
      { ...dir('z/y'), mtime: 7 },
      symlink('a', 'z'),
    ],
    after: { z: '-> a' },
    times: { a: 5, 'a/y': 6 },
  },
  {
    id: 'implied-directory-inherits-no-setgid',
    base: [{ ...dir('a', 0o2775), gid: 7 }],
    layer: [file('a/implied/f', 'x')],
    stats: { 'a/implied': '755 0:7' },
  },
];
