import { dir, file, link, symlink } from '../../tar-writer.ts';
import type { HostileCase } from './hostile-case.ts';

const passwd = [dir('etc', 0o770), file('/etc/passwd', 'inside')];

/** The names of containerd's TestBreakouts (pkg/archive/tar_test.go), with what comes of each here. */
export const breakouts: readonly HostileCase[] = [
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
