import assert from 'node:assert/strict';
import { link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mount } from '@stowage/core';
import { Mounter } from '@stowage/linux/mounter';
import { type Case, refused } from './case.ts';

const UUID = '550e8400-e29b-41d4-a716-446655440000';

function made(source: string, ...options: string[]): Mount[] {
  return [
    { type: 'mkfs/loop', source, options: options.map((option) => `X-containerd.mkfs.${option}`) },
    { type: 'format/ext4', source: '{{ mount 0 }}', options: [] },
  ];
}

export const filesystemCases: readonly Case[] = [
  {
    id: 'a-filesystem-is-made-once-and-kept',
    async run({ mounts, at }) {
      await mkdir(join(at.path, 'allowed'));
      const image = join(at.path, 'allowed/disk');
      await using mounter = new Mounter();
      const wanted = made(image, 'size=16MiB', 'fs=ext4', `uuid=${UUID}`);
      const first = await mounts().activate('first', wanted);
      await mounter.withMount(first.system, (path) => writeFile(join(path, 'file'), 'text'));
      await mounts().deactivate('first');
      const bytes = await readFile(image);
      assert.equal(bytes.length, 16 << 20);
      assert.equal(bytes.subarray(1024 + 104, 1024 + 120).toString('hex'), UUID.replaceAll('-', ''));
      const again = await mounts().activate('again', wanted);
      const text = await mounter.withMount(again.system, (path) => readFile(join(path, 'file'), 'utf8'));
      assert.equal(text, 'text');
      await mounts().deactivate('again');
      assert.deepEqual([...(await readdir(join(at.path, 'allowed')))], ['disk']);
    },
  },
  {
    id: 'made-mounted-by-the-option-loop-and-written-to-through-an-overlay',
    async run({ mounts, at }) {
      await mkdir(join(at.path, 'allowed'));
      const source = join(at.path, 'allowed/disk');
      const { active, system } = await mounts().activate('overlay', [
        { type: 'mkfs/ext4', source, options: ['X-containerd.mkfs.size=16MiB', 'rw', 'loop'] },
        {
          type: 'format/mkdir/overlay',
          source: 'overlay',
          options: [
            'X-containerd.mkdir.path={{ mount 0 }}/upper:0755',
            'X-containerd.mkdir.path={{ mount 0 }}/work:0755',
            ...['lowerdir=/etc', 'upperdir={{ mount 0 }}/upper', 'workdir={{ mount 0 }}/work'],
          ],
        },
      ]);
      assert.deepEqual(
        active.map(({ type }) => type),
        ['ext4'],
      );
      await using mounter = new Mounter();
      await mounter.withMount(system, (path) => writeFile(join(path, 'new'), 'text'));
      assert.equal(await readFile(join(active[0]?.mountPoint ?? '', 'upper/new'), 'utf8'), 'text');
      await mounts().deactivate('overlay');
      assert.deepEqual([...(await at.mounted()), ...(await at.stillAttached())], []);
    },
  },
  {
    id: 'of-two-at-once-one-makes-it',
    async run({ mounts, at }) {
      await mkdir(join(at.path, 'allowed'));
      const image = join(at.path, 'allowed/disk');
      await Promise.all(['a', 'b'].map((name) => mounts().activate(name, made(image, 'size=4m', 'fs=ext2'))));
      assert.equal((await stat(image)).size, 4 << 20);
      for (const name of ['a', 'b']) await mounts().deactivate(name);
    },
  },
  {
    id: 'what-makes-no-filesystem-leaves-no-file',
    async run({ mounts, at }) {
      await mkdir(join(at.path, 'allowed/directory'), { recursive: true });
      await mkdir(join(at.path, 'outside'));
      await symlink(join(at.path, 'outside'), join(at.path, 'allowed/link'));
      const image = join(at.path, 'allowed/disk');
      const bad = [
        made(image),
        ...['size=', 'size=0', 'size=-1', 'size=1x', 'size=99999999g', 'size=1m,2m'].map((size) =>
          made(image, size),
        ),
        ...['fs=btrfs', 'fs=../ext4', 'uuid=random', 'mode=1', 'size'].map((one) =>
          made(image, 'size=4m', one),
        ),
        made('relative', 'size=4m'),
        made(join(at.path, 'outside/disk'), 'size=4m'),
        made(`${at.path}/allowed/../outside/disk`, 'size=4m'),
        made(join(at.path, 'allowed/link/disk'), 'size=4m'),
      ];
      for (const wanted of bad) await refused('invalid_argument', () => mounts().activate('bad', wanted));
      // Too small for the program, which says so; a directory; a directory that is not there.
      for (const [path, size] of [
        [image, '1b'],
        [join(at.path, 'allowed/directory'), '4m'],
        [join(at.path, 'allowed/absent/disk'), '4m'],
      ])
        await refused('failed_precondition', () => mounts().activate('bad', made(`${path}`, `size=${size}`)));
      assert.deepEqual([...(await readdir(join(at.path, 'allowed')))].sort(), ['directory', 'link']);
      assert.deepEqual([...(await readdir(join(at.path, 'outside')))], []);
    },
  },
  {
    id: 'what-a-crash-left-of-a-filesystem-is-made-anew',
    async run({ mounts, at }) {
      await mkdir(join(at.path, 'allowed'));
      await writeFile(join(at.path, 'precious'), 'kept');
      await link(join(at.path, 'precious'), join(at.path, 'allowed/.disk.stowage-mkfs'));
      await mounts().activate('disk', made(join(at.path, 'allowed/disk'), 'size=4m'));
      await mounts().deactivate('disk');
      assert.equal(await readFile(join(at.path, 'precious'), 'utf8'), 'kept');
      assert.deepEqual([...(await readdir(join(at.path, 'allowed')))], ['disk']);
    },
  },
];
