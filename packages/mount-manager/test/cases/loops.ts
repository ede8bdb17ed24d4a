import assert from 'node:assert/strict';
import { mkdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Mount } from '@stowage/core';
import { mkfifo } from '@stowage/linux';
import { Mounter } from '@stowage/linux/mounter';
import { type Case, loopOf, refused } from './case.ts';

export const loopCases: readonly Case[] = [
  {
    id: 'a-loop-device-is-where-the-mount-point-leads',
    async run({ mounts, at }) {
      const image = await at.image('disk', { hello: 'from the image' });
      const ext4: Mount = { type: 'format/ext4', source: '{{ mount 0 }}', options: ['ro'] };
      const { active, system } = await mounts().activate('disk', [loopOf(image), ext4]);
      const device = await readlink(active[0]?.mountPoint ?? '');
      assert.match(device, /^\/dev\/loop\d+$/);
      assert.deepEqual({ ...active[0]?.data }, { device });
      assert.deepEqual(await at.attached(), [image]);
      assert.deepEqual(
        system.map(({ type, source }) => [type, source]),
        [['ext4', active[0]?.mountPoint]],
      );
      await using mounter = new Mounter();
      const text = await mounter.withMount(system, (path) => readFile(join(path, 'hello'), 'utf8'));
      assert.equal(text, 'from the image');
      // Nobody has it open now, and it must be there still.
      assert.deepEqual(await at.attached(), [image]);
      await mounts().deactivate('disk');
      assert.deepEqual(await at.stillAttached(), []);
    },
  },
  {
    id: 'an-overlay-over-two-loop-devices',
    async run({ mounts, at }) {
      const lower = await at.image('lower', { kept: 'lower', hidden: 'lower' });
      const upper = await at.image('upper');
      const { active, system } = await mounts().activate('overlay', [
        loopOf(lower, 'ro'),
        { type: 'format/ext4', source: '{{ mount 0 }}', options: ['ro'] },
        loopOf(upper),
        { type: 'format/ext4', source: '{{ mount 2 }}', options: [] },
        {
          type: 'format/mkdir/overlay',
          source: 'overlay',
          options: [
            'X-containerd.mkdir.path={{ mount 3 }}/upper:0755',
            'X-containerd.mkdir.path={{ mount 3 }}/work:0700:0:0',
            'lowerdir={{ overlay 1 1 }}',
            'upperdir={{ mount 3 }}/upper',
            'workdir={{ mount 3 }}/work',
          ],
        },
      ]);
      assert.deepEqual(
        active.map(({ type }) => type),
        ['loop', 'ext4', 'loop', 'ext4'],
      );
      assert.ok(system[0]?.options.every((option) => !option.startsWith('X-containerd.')));
      await using mounter = new Mounter();
      await mounter.withMount(system, async (path) => {
        assert.equal(await readFile(join(path, 'kept'), 'utf8'), 'lower');
        await writeFile(join(path, 'hidden'), 'upper');
      });
      const below = active[3]?.mountPoint ?? '';
      assert.equal(await readFile(join(below, 'upper/hidden'), 'utf8'), 'upper');
      await mounts().deactivate('overlay');
      assert.deepEqual([...(await at.mounted()), ...(await at.stillAttached())], []);
    },
  },
  {
    id: 'a-read-only-loop-can-not-be-written-to',
    async run({ mounts, at }) {
      const image = await at.image('disk');
      const { active } = await mounts().activate('disk', [loopOf(image, 'ro')]);
      const device = active[0]?.data.device ?? '';
      assert.equal((await readFile(`/sys/block/${basename(device)}/ro`, 'utf8')).trim(), '1');
      await mounts().deactivate('disk');
      const writable = await mounts().activate('disk', [loopOf(image)]);
      assert.equal(
        (await readFile(`/sys/block/${basename(writable.active[0]?.data.device ?? '')}/ro`, 'utf8')).trim(),
        '0',
      );
      await mounts().deactivate('disk');
    },
  },
  {
    id: 'a-loop-device-outlives-the-manager',
    async run({ mounts, at, reopen }) {
      const image = await at.image('disk');
      await mounts().activate('disk', [loopOf(image)]);
      await reopen();
      assert.deepEqual(await at.attached(), [image]);
      await mounts().deactivate('disk');
      assert.deepEqual(await at.stillAttached(), []);
    },
  },
  {
    id: 'a-device-in-use-goes-with-its-last-user',
    async run({ mounts, at }) {
      const image = await at.image('disk', { file: 'text' });
      const ext4: Mount = { type: 'format/ext4', source: '{{ mount 0 }}', options: [] };
      const { system } = await mounts().activate('disk', [loopOf(image), ext4]);
      await using mounter = new Mounter();
      const point = join(at.path, 'point');
      await mkdir(point);
      await mounter.mount(system, point);
      await mounts().deactivate('disk');
      assert.equal(await readFile(join(point, 'file'), 'utf8'), 'text');
      await mounter.unmount(point);
      assert.deepEqual(await at.stillAttached(), []);
    },
  },
  {
    id: 'what-is-no-file-is-refused-and-nobody-waits',
    async run({ mounts, at }) {
      const fifo = join(at.path, 'fifo');
      mkfifo(fifo, 0o600);
      for (const source of [fifo, at.path, '/dev/null', join(at.path, 'fifo/below')])
        await refused('invalid_argument', () => mounts().activate('bad', [loopOf(source)]));
      await refused('failed_precondition', () => mounts().activate('bad', [loopOf(join(at.path, 'absent'))]));
      assert.deepEqual(await Array.fromAsync(mounts().list()), []);
    },
  },
];
