import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { must, tempDir } from '@stowage/testing';
import { composeSpec, rootfsUserLookup, withArgs, withUser } from '../src/index.ts';

const PASSWD = 'root:x:0:0::/:\nweb:x:1000:1001::/:\n';
const GROUP = 'root:x:0:\nweb:x:1001:\nvideo:x:44:web\n';

async function root(prepare: (etc: string, root: string) => Promise<unknown>) {
  const dir = await tempDir('rootfs');
  const rootfs = join(dir.path, 'rootfs');
  await mkdir(join(rootfs, 'etc'), { recursive: true });
  await prepare(join(rootfs, 'etc'), rootfs);
  const user = async (who: string) => {
    const options = [withArgs('true'), withUser(who, rootfsUserLookup(rootfs))];
    return (await composeSpec({ namespace: 'n', id: 'c' }, ...options)).process?.user;
  };
  return { user, outside: dir.path, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

test('names, ids and groups of a root file system', async () => {
  await using image = await root(async (etc) => {
    await writeFile(join(etc, 'passwd'), PASSWD);
    await writeFile(join(etc, 'group'), GROUP);
  });
  const web = { uid: 1000, gid: 1001, additionalGids: [1001, 44] };
  expect(await image.user('web')).toEqual(web);
  expect(await image.user('1000')).toEqual(web);
  expect(await image.user('web:video')).toEqual({ uid: 1000, gid: 44, additionalGids: [44] });
});

test('without the files, ids mean themselves and names nothing', async () => {
  await using image = await root(async () => undefined);
  expect(await image.user('7')).toEqual({ uid: 7, gid: 0, additionalGids: [0] });
  await expect(image.user('web')).rejects.toMatchObject({ kind: 'not_found' });
});

test('links lead nowhere outside', async () => {
  const secret = 'web:x:0:0::/:\n';
  const forms: readonly (readonly [string, (etc: string) => Promise<unknown>])[] = [
    ['absolute', (etc) => symlink('/outside', join(etc, 'passwd'))],
    ['relative', (etc) => symlink('../../outside', join(etc, 'passwd'))],
    ['far up', (etc) => symlink(`${'../'.repeat(30)}outside`, join(etc, 'passwd'))],
    ['host’s', (etc) => symlink('/etc/passwd', join(etc, 'passwd'))],
  ];
  for (const [name, make] of forms) {
    await using image = await root(async (etc, rootfs) => {
      await writeFile(join(rootfs, '../outside'), secret);
      await make(etc);
    });
    const kind = name === 'host’s' ? 'invalid_argument' : 'not_found';
    await expect(image.user('web')).rejects.toMatchObject({ kind });
  }
});

test('links within are followed, as in the container', async () => {
  for (const target of [
    '/usr/share/users',
    '../usr/share/users',
    '/../../usr/./share/users',
    '/usr/link/users',
  ]) {
    await using image = await root(async (etc, rootfs) => {
      await mkdir(join(rootfs, 'usr/share'), { recursive: true });
      await symlink('/usr/share', join(rootfs, 'usr/link'));
      await writeFile(join(rootfs, 'usr/share/users'), PASSWD);
      await symlink(target, join(etc, 'passwd'));
    });
    expect(await image.user('web')).toMatchObject({ uid: 1000 });
  }
});

test('a directory that is a link stays within', async () => {
  await using dir = await tempDir('rootfs');
  const rootfs = join(dir.path, 'rootfs');
  await mkdir(join(rootfs, 'real'), { recursive: true });
  await mkdir(join(dir.path, 'real'));
  await writeFile(join(dir.path, 'real/passwd'), 'web:x:0:0::/:\n');
  await writeFile(join(rootfs, 'real/passwd'), PASSWD);
  await symlink('../real', join(rootfs, 'etc'));
  const { passwd } = await rootfsUserLookup(rootfs)();
  expect(Buffer.from(passwd ?? []).toString()).toBe(PASSWD);
});

test('forty links are followed, one more is not', async () => {
  for (const [links, kind] of [
    [40, undefined],
    [41, 'invalid_argument'],
  ] as const) {
    await using image = await root(async (etc) => {
      await writeFile(join(etc, `l${links}`), PASSWD);
      for (let i = 1; i < links; i += 1) await symlink(`l${i + 1}`, join(etc, `l${i}`));
      await symlink('l1', join(etc, 'passwd'));
    });
    if (kind === undefined) expect(await image.user('web')).toMatchObject({ uid: 1000 });
    else await expect(image.user('web')).rejects.toMatchObject({ kind });
  }
});

test('a loop of links is refused', async () => {
  await using image = await root((etc) => symlink('passwd', join(etc, 'passwd')));
  await expect(image.user('web')).rejects.toMatchObject({ kind: 'invalid_argument' });
});

test('what is no file, or no end of one, is refused without waiting or filling memory', async () => {
  const forms: readonly (readonly [string, (etc: string, rootfs: string) => Promise<unknown>])[] = [
    [
      '2 GiB of holes',
      async (etc) => {
        await writeFile(join(etc, 'passwd'), PASSWD);
        await using file = await open(join(etc, 'group'), 'w');
        await file.truncate(2 * 1024 ** 3);
      },
    ],
    ['FIFO', (etc) => must('mkfifo', [join(etc, 'passwd')])],
    ['device', (etc) => must('mknod', [join(etc, 'passwd'), 'c', '1', '5'])],
    [
      'link to a device',
      async (etc, rootfs) => {
        await mkdir(join(rootfs, 'dev'));
        await must('mknod', [join(rootfs, 'dev/zero'), 'c', '1', '5']);
        await symlink('/dev/zero', join(etc, 'passwd'));
      },
    ],
    ['directory', (etc) => mkdir(join(etc, 'passwd'))],
  ];
  const before = process.memoryUsage().rss;
  for (const [, make] of forms) {
    await using image = await root(make);
    await expect(image.user('web')).rejects.toMatchObject({ kind: 'invalid_argument' });
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024);
});

test('the link to the host’s /dev/zero finds nothing', async () => {
  await using image = await root((etc) => symlink('/dev/zero', join(etc, 'passwd')));
  await expect(image.user('web')).rejects.toMatchObject({ kind: 'not_found' });
});

test('a million lines within the bound are read', async () => {
  await using image = await root((etc) =>
    writeFile(join(etc, 'passwd'), `${'x:x:1:1\n'.repeat(1_000_000)}web:x:1000:1::/:\n`),
  );
  expect(await image.user('web')).toMatchObject({ uid: 1000 });
});
