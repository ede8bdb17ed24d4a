import { dir, END, type Entry, entry, file, link, paxBody, symlink } from './tar-writer.ts';

/** What must be true afterwards, by path: a file's content, `-> target` of a link, `dir/`, `node`, or null for nothing. */
export type After = Readonly<Record<string, string | null>>;

export interface HostileCase {
  readonly id: string;
  /** The layer below. */
  readonly base?: readonly Entry[];
  readonly layer: readonly (Entry | Uint8Array)[];
  /** What `canary` in names and links stands for is filled in by the runner: an absolute path outside. */
  readonly after?: After;
  /** Refused with `invalid_argument`, and a message that matches. */
  readonly refused?: RegExp;
}

const passwd = [dir('etc', 0o770), file('/etc/passwd', 'inside')];
const long = 'n'.repeat(255);

/** The names of containerd's TestBreakouts (pkg/archive/tar_test.go), with what comes of each here. */
const breakouts: HostileCase[] = [
  {
    id: 'SymlinkAbsolute',
    layer: [dir('etc'), symlink('/etc', 'localetc'), file('/localetc/unbroken', 'x')],
    after: { 'etc/unbroken': 'x', localetc: '-> /etc' },
  },
  {
    id: 'SymlinkUpAndOut',
    layer: [dir('etc'), dir('dummy'), symlink('/dummy/../etc', 'localetc'), file('/localetc/unbroken', 'x')],
    after: { 'etc/unbroken': 'x' },
  },
  {
    id: 'SymlinkMultipleAbsolute',
    layer: [
      dir('etc'),
      dir('dummy'),
      symlink('/etc', '/dummy/etc'),
      symlink('/dummy/etc', 'localetc'),
      file('/dummy/etc/unbroken', 'x'),
    ],
    after: { 'etc/unbroken': 'x' },
  },
  {
    id: 'SymlinkMultipleRelative',
    layer: [
      dir('etc'),
      dir('dummy'),
      symlink('/etc', '/dummy/etc'),
      symlink('./dummy/etc', 'localetc'),
      file('/localetc/unbroken', 'x'),
    ],
    after: { 'etc/unbroken': 'x' },
  },
  {
    id: 'SymlinkEmptyFile',
    layer: [
      dir('etc'),
      file('etc/emptied', 'notempty'),
      symlink('/etc', 'localetc'),
      file('/localetc/emptied'),
    ],
    after: { 'etc/emptied': '' },
  },
  {
    id: 'HardlinkRelative',
    layer: [
      ...passwd,
      dir('breakouts'),
      symlink('../../etc', 'breakouts/d1'),
      link('/breakouts/d1/passwd', 'breakouts/mypasswd'),
    ],
    after: { 'breakouts/mypasswd': 'inside' },
  },
  {
    id: 'HardlinkDownAndOut',
    layer: [
      ...passwd,
      dir('breakouts'),
      dir('downandout'),
      symlink('../downandout/../../etc', 'breakouts/d1'),
      link('/breakouts/d1/passwd', 'breakouts/mypasswd'),
    ],
    after: { 'breakouts/mypasswd': 'inside' },
  },
  {
    id: 'HardlinkAbsolute',
    layer: [...passwd, symlink('/etc', 'localetc'), link('/localetc/passwd', 'localpasswd')],
    after: { localpasswd: 'inside' },
  },
  {
    id: 'HardlinkRelativeLong',
    layer: [
      ...passwd,
      symlink('../../../../../../../etc', 'localetc'),
      link('/localetc/passwd', 'localpasswd'),
    ],
    after: { localpasswd: 'inside' },
  },
  {
    id: 'HardlinkRelativeUpAndOut',
    layer: [
      ...passwd,
      dir('upandout'),
      symlink('upandout/../../../etc', 'localetc'),
      link('/localetc/passwd', 'localpasswd'),
    ],
    after: { localpasswd: 'inside' },
  },
  {
    id: 'HardlinkDirectRelative',
    layer: [...passwd, link('../../../../../etc/passwd', 'localpasswd')],
    after: { localpasswd: 'inside' },
  },
  {
    id: 'HardlinkDirectAbsolute',
    layer: [...passwd, link('/etc/passwd', 'localpasswd')],
    after: { localpasswd: 'inside' },
  },
  { id: 'SymlinkParentDirectory', layer: [...passwd, symlink('/etc/', '..')], refused: /root/ },
  { id: 'SymlinkEmptyFilename', layer: [...passwd, symlink('/etc/', '')], refused: /root/ },
  {
    id: 'SymlinkParentRelative',
    layer: [...passwd, symlink('/etc/', 'localetc/sub/..'), link('/etc/passwd', '/localetc/localpasswd')],
    after: { 'etc/localpasswd': 'inside', localetc: '-> /etc/' },
  },
  {
    id: 'SymlinkSlashEnded',
    layer: [...passwd, dir('localetc/'), link('/etc/passwd', '/localetc/localpasswd')],
    after: { 'localetc/localpasswd': 'inside' },
  },
  {
    id: 'SymlinkOverrideDirectory',
    base: [...passwd, dir('localetc'), file('localetc/old', 'x')],
    layer: [symlink('/etc', 'localetc'), link('/etc/passwd', '/localetc/localpasswd')],
    after: { 'etc/localpasswd': 'inside', localetc: '-> /etc' },
  },
  {
    id: 'SymlinkOverrideDirectoryRelative',
    base: [...passwd, dir('localetc')],
    layer: [symlink('../../etc', 'localetc'), link('/etc/passwd', '/localetc/localpasswd')],
    after: { 'etc/localpasswd': 'inside' },
  },
  {
    id: 'DirectoryOverrideSymlink',
    base: [...passwd, symlink('/etc', 'localetc')],
    layer: [dir('/localetc/'), link('/etc/passwd', '/localetc/localpasswd')],
    after: { localetc: 'dir/', 'localetc/localpasswd': 'inside', 'etc/localpasswd': null },
  },
  {
    id: 'DirectoryOverrideSymlinkAndHardlink',
    base: [...passwd, symlink('etc', 'localetc'), link('/etc/passwd', '/localetc/localpasswd')],
    layer: [dir('/localetc/'), file('/localetc/localpasswd', 'different')],
    after: { 'localetc/localpasswd': 'different', 'etc/passwd': 'inside' },
  },
  { id: 'WhiteoutRootParent', base: passwd, layer: [file('.wh...')], refused: /whiteout/ },
  { id: 'WhiteoutParent', base: passwd, layer: [file('etc/.wh...')], refused: /whiteout/ },
  { id: 'WhiteoutRoot', base: passwd, layer: [file('.wh..')], refused: /whiteout/ },
  { id: 'WhiteoutCurrentDirectory', base: passwd, layer: [file('etc/.wh..')], refused: /whiteout/ },
  {
    id: 'WhiteoutSymlink',
    base: [...passwd, symlink('/etc', 'localetc')],
    layer: [file('.wh.localetc')],
    after: { 'etc/passwd': 'inside', localetc: null },
  },
  {
    id: 'WhiteoutSymlinkPath',
    base: [...passwd, file('etc/whitedout', 'w'), symlink('/etc', 'localetc')],
    layer: [file('localetc/.wh.whitedout')],
    after: { 'etc/passwd': 'inside', 'etc/whitedout': null, localetc: '-> /etc' },
  },
  {
    id: 'WhiteoutDirectoryName',
    base: passwd,
    layer: [file('.wh.etc/somefile', 'non-empty')],
    after: { 'etc/passwd': 'inside', '.wh.etc/somefile': 'non-empty' },
  },
  {
    id: 'WhiteoutDeadSymlinkParent',
    base: [...passwd, symlink('/dne', 'localetc')],
    layer: [file('localetc/.wh.etc')],
    after: { 'etc/passwd': 'inside' },
  },
  { id: 'WhiteoutRelativePath', base: passwd, layer: [file('dne/../.wh.etc')], after: { etc: null } },
  {
    id: 'HardlinkSymlinkBeforeCreateTarget',
    layer: [
      dir('etc'),
      symlink('/etc/passwd', 'localpasswd'),
      link('localpasswd', 'dup'),
      file('/etc/passwd', 'after'),
    ],
    after: { dup: '-> /etc/passwd', 'etc/passwd': 'after' },
  },
  {
    id: 'HardlinkSymlinkRelative',
    layer: [
      ...passwd,
      symlink('../../../../../etc/passwd', 'passwdlink'),
      link('/passwdlink', 'localpasswd'),
    ],
    after: { localpasswd: '-> ../../../../../etc/passwd' },
  },
  {
    id: 'HardlinkSymlinkAbsolute',
    layer: [...passwd, symlink('/etc/passwd', 'passwdlink'), link('/passwdlink', 'localpasswd')],
    after: { localpasswd: '-> /etc/passwd' },
  },
  {
    id: 'HardlinkSymlinkChmod',
    layer: [symlink('CANARY/etc/passwd', 'CANARY/x'), { ...link('CANARY/x', 'sketchy'), mode: 0o777 }],
    after: { sketchy: '-> CANARY/etc/passwd' },
  },
];

const outside: HostileCase[] = [
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
];

const names: HostileCase[] = [
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
  },
  { id: 'link-nul-in-pax', layer: [{ ...symlink('a', 'b'), pax: { linkpath: 'a\0b' } }], refused: /NUL/ },
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
];

const be = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const smuggled = entry(file('smuggled', 'out'));

const format: HostileCase[] = [
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
  },
  {
    id: 'pax-record-without-end',
    layer: [entry({ name: 'p', type: 'x', body: '9 path=ab' }), file('a')],
    refused: /record/,
  },
  {
    id: 'pax-record-negative',
    layer: [entry({ name: 'p', type: 'x', body: '-9 path=a\n' }), file('a')],
    refused: /record/,
  },
  {
    id: 'pax-record-without-key',
    layer: [entry({ name: 'p', type: 'x', body: '5 =a\n' }), file('a')],
    refused: /record/,
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
  },
  {
    id: 'long-name-huge',
    layer: [entry({ name: 'L', type: 'L', body: new Uint8Array((1 << 20) + 1) }), file('a')],
    refused: /extended header/,
  },
  {
    id: 'pax-nothing-follows',
    layer: [entry({ name: 'p', type: 'x', body: paxBody([['path', 'a']]) })],
    refused: /after an extended header/,
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
  { id: 'checksum-wrong', layer: [{ ...file('a'), raw: { checksum: '000000\0 ' } }], refused: /checksum/ },
  { id: 'type-unknown', layer: [{ ...file('a'), type: 'Z' }], refused: /type/ },
  { id: 'type-multivolume', layer: [{ ...file('a'), type: 'M' }], refused: /type/ },
  { id: 'zero-block-inside', layer: [file('a', 'x'), new Uint8Array(512), file('b', 'y')], refused: /zeros/ },
  { id: 'after-the-end', layer: [file('a', 'x'), END, file('b', 'y')], after: { a: 'x', b: null } },
  { id: 'not-an-archive', layer: [Buffer.from('<html>'.repeat(200))], refused: /block|checksum|number/ },
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
];

export const hostileCases: readonly HostileCase[] = [...breakouts, ...outside, ...names, ...format];
