import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { mount, umount } from '../src/blocking.ts';
import { close, hostIdOf, parseIdMap, tryLock } from '../src/index.ts';
import { threadMountInfo } from '../src/mountinfo.ts';
import { openUserNamespace } from '../src/user-namespace.ts';
import { codeOf, tempDir } from './fixtures/temp.ts';

const MAPS = ['uidmap=0:100000:1000,1000:500000:10', 'gidmap=0:200000:1000'];
const owners = (path: string) => {
  const { uid, gid } = statSync(path);
  return [uid, gid];
};
/** Mount points in a directory of the test's own; others on the machine mount and unmount as well. */
const mountsIn = (dir: string) =>
  threadMountInfo().filter(({ mountPoint }) => mountPoint.startsWith(dir)).length;
/** Others on the machine may be mounting as well: what stays is what was left. */
async function nothingStays(): Promise<void> {
  const here = () => readdirSync(tmpdir()).filter((name) => name.startsWith('stowage-idmapped-'));
  const seen = here();
  for (let i = 0; i < 100 && seen.some((name) => here().includes(name)); i++) await setTimeout(50);
  expect(seen.filter((name) => here().includes(name))).toEqual([]);
}

test('a map says which id outside is which inside', () => {
  const map = parseIdMap('0:100000:1000,1000:500000:10');
  expect([0, 999, 1000, 1009, 1010].map((id) => hostIdOf(map, id))).toEqual([
    100_000,
    100_999,
    500_000,
    500_009,
    undefined,
  ]);
});

test.each([
  '',
  '0:1',
  '0:1:0',
  'a:b:c',
  '-1:0:1',
  '0:0:1,',
  '0:4294967295:1',
  '0:0:10,9:100:1',
  '0:0:10,20:9:1',
])('no map: %s', (text) => {
  expect(() => parseIdMap(text)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test('a user namespace has its maps, is nobody’s child, and leaves no process', () => {
  const children = () => readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  const before = children();
  const one = openUserNamespace(parseIdMap('0:100000:10'), parseIdMap('0:200000:10'));
  const two = openUserNamespace(parseIdMap('0:100000:10'), parseIdMap('0:200000:10'));
  expect(readlinkSync(`/proc/self/fd/${one}`)).not.toBe(readlinkSync(`/proc/self/fd/${two}`));
  expect(readlinkSync(`/proc/self/fd/${one}`)).toMatch(/^user:/);
  expect(children()).toBe(before);
  close(one);
  close(two);
});

test('what is made for a namespace ends with the process that wanted it, and lets go of its locks', async () => {
  using dir = tempDir();
  const lock = join(dir.path, 'lock');
  // Killed while it makes namespaces, as fast as it can.
  const script = `
    import { tryLock } from ${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))};
    import { openUserNamespace } from ${JSON.stringify(join(import.meta.dirname, '../src/user-namespace.ts'))};
    import { close } from ${JSON.stringify(join(import.meta.dirname, '../src/fd.ts'))};
    const held = tryLock(${JSON.stringify(lock)});
    const map = [{ containerId: 0, hostId: 100000, size: 10 }];
    console.log('ready');
    for (;;) close(openUserNamespace(map, map));
  `;
  for (let round = 0; round < 8; round++) {
    const args = ['--conditions=stowage-source', '--input-type=module', '-e', script];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    await once(child.stdout, 'data');
    await setTimeout(20 + Math.random() * 30);
    child.kill('SIGKILL');
    await once(child, 'exit');
    let mine = tryLock(lock);
    // The kernel ends the copy, but does not wait for it.
    for (let i = 0; mine === undefined && i < 20; i++) {
      await setTimeout(25);
      mine = tryLock(lock);
    }
    expect([round, mine !== undefined]).toEqual([round, true]);
    mine?.[Symbol.dispose]();
  }
}, 120_000);

test('a bind shows ids mapped, and stores them as the others are', () => {
  using dir = tempDir();
  const [source, target] = [join(dir.path, 'source'), join(dir.path, 'target')];
  for (const path of [source, target]) mkdirSync(path);
  writeFileSync(join(source, 'root'), '');
  writeFileSync(join(source, 'user'), '');
  chownSync(join(source, 'user'), 1001, 7);
  mount({ type: 'bind', source, options: ['rbind', 'nodev', ...MAPS] }, target);
  try {
    expect(owners(join(target, 'root'))).toEqual([100_000, 200_000]);
    expect(owners(join(target, 'user'))).toEqual([500_001, 200_007]);
    chownSync(join(target, 'root'), 500_002, 200_003);
    expect(owners(join(source, 'root'))).toEqual([1002, 3]);
    // Ids that the map does not know cannot be stored.
    expect(codeOf(() => chownSync(join(target, 'root'), 5, 5))).toBe('EOVERFLOW');
    const point = threadMountInfo().find(({ mountPoint }) => mountPoint === target);
    expect(point?.options).toEqual(expect.arrayContaining(['nodev', 'idmapped']));
  } finally {
    umount(target);
  }
});

test.each([
  ['two layers', 2, 'x'],
  ['more than a page of them', 60, 'n'.repeat(100)],
])('an overlay of %s shows the ids of lower layers mapped, and leaves no mounts', async (_, count, name) => {
  using dir = tempDir();
  const made = (path: string) => {
    mkdirSync(join(dir.path, path), { recursive: true });
    return join(dir.path, path);
  };
  const lower = Array.from({ length: count }, (_, i) => {
    const path = made(`${i}-${name}/fs`);
    writeFileSync(join(path, `file${i}`), '');
    return path;
  });
  const [upper, work, target] = [made('u/fs'), made('u/work'), made('t')];
  chownSync(upper, 100_000, 200_000);
  const layers = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower.join(':')}`, 'index=off'];
  mount({ type: 'overlay', source: 'overlay', options: [...MAPS, ...layers] }, target);
  try {
    expect(mountsIn(dir.path)).toBe(1);
    await nothingStays();
    expect(readdirSync(target)).toHaveLength(count);
    for (let i = 0; i < count; i++) expect(owners(join(target, `file${i}`))).toEqual([100_000, 200_000]);
    // Copied up, it keeps what it was shown as.
    writeFileSync(join(target, 'file0'), 'changed');
    expect(owners(join(upper, 'file0'))).toEqual([100_000, 200_000]);
    expect(readFileSync(join(lower[0] as string, 'file0'), 'utf8')).toBe('');
  } finally {
    umount(target);
  }
});

test('what fails on the way leaves nothing', async () => {
  using dir = tempDir();
  const at = join(dir.path, 't');
  mkdirSync(at);
  const overlay = (options: string[]) => ({ type: 'overlay', source: 'overlay', options });
  expect(codeOf(() => mount(overlay([...MAPS, `lowerdir=${dir.path}/no/fs:${dir.path}/none/fs`]), at))).toBe(
    'ENOENT',
  );
  expect(codeOf(() => mount(overlay([...MAPS, `lowerdir=${at}:${dir.path}`, 'bogus=1']), at))).toBe('EINVAL');
  const tmpfs = { type: 'tmpfs', source: 'tmpfs', options: MAPS };
  expect(() => mount(tmpfs, at)).toThrow(expect.objectContaining({ kind: 'unimplemented' }));
  const bad = { type: 'bind', source: dir.path, options: ['bind', 'uidmap=x', 'gidmap=0:0:1'] };
  expect(() => mount(bad, at)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
  expect(mountsIn(dir.path)).toBe(0);
  await nothingStays();
});
