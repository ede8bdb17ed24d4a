import assert from 'node:assert/strict';
import { mkdir, readdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mount } from '@stowage/core';
import { type Case, refused } from './case.ts';

const base: Mount = { type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] };

/** A mount that wants directories, after a tmpfs. */
function wanting(...paths: string[]): Mount[] {
  const options = paths.map((path) => `X-containerd.mkdir.path=${path}`);
  return [base, { type: 'format/mkdir/bind', source: '{{ mount 0 }}', options: ['rbind', ...options] }];
}

export const directoryCases: readonly Case[] = [
  {
    id: 'directories-have-the-mode-and-owner-asked-for',
    async run({ mounts }) {
      const wanted = wanting(
        '{{ mount 0 }}/plain',
        '{{ mount 0 }}/open:0777',
        '{{mount 0}}/theirs:750:1000:1001',
      );
      const { active, system } = await mounts().activate('dirs', wanted);
      const point = active[0]?.mountPoint ?? '';
      const seen = async (name: string) => {
        const { mode, uid, gid } = await stat(join(point, name));
        return [mode & 0o7777, uid, gid];
      };
      assert.deepEqual(await seen('plain'), [0o700, 0, 0]);
      assert.deepEqual(await seen('open'), [0o777, 0, 0]);
      assert.deepEqual(await seen('theirs'), [0o750, 1000, 1001]);
      assert.deepEqual(system[0]?.options, ['rbind']);
      await mounts().deactivate('dirs');
    },
  },
  {
    id: 'one-that-is-there-stays-as-it-is',
    async run({ mounts, at }) {
      const there = join(at.path, 'allowed/there');
      await mkdir(there, { recursive: true, mode: 0o711 });
      await mounts().activate('dirs', wanting(`${there}:0777`, `${there}/new`));
      assert.equal((await stat(there)).mode & 0o7777, 0o711);
      assert.deepEqual([...(await readdir(there))], ['new']);
      await mounts().deactivate('dirs');
    },
  },
  {
    id: 'no-directory-is-made-elsewhere',
    async run({ mounts, at }) {
      const outside = join(at.path, 'outside');
      await mkdir(outside);
      await mkdir(join(at.path, 'allowed/plain'), { recursive: true });
      await mkdir(join(at.path, 'allowed-not'));
      await symlink(outside, join(at.path, 'allowed/link'));
      const bad = [
        `${outside}/x`,
        `${at.path}/allowed/../outside/x`,
        '{{ mount 0 }}/../../../outside/x',
        `${at.path}/allowed-not/x`,
        `${at.path}/allowed/link/x`,
        `${at.path}/allowed/link`,
        `${at.path}/state/x`,
        'relative/x',
        '/',
        '',
      ];
      for (const path of bad)
        await refused('invalid_argument', () => mounts().activate('dirs', wanting(path)));
      await refused('failed_precondition', () =>
        mounts().activate('dirs', wanting(`${at.path}/allowed/absent/x`)),
      );
      assert.deepEqual([...(await readdir(outside))], []);
      assert.deepEqual([...(await readdir(join(at.path, 'allowed-not')))], []);
      assert.deepEqual(await at.mounted(), []);
    },
  },
  {
    id: 'a-malformed-directory-option-is-refused',
    async run({ mounts, at }) {
      const path = '{{ mount 0 }}/x';
      for (const end of [
        ':',
        ':8',
        ':1777',
        ':0700:1',
        ':0700:1:2:3',
        ':0700:-1:0',
        ':0700:0:4294967295',
        ':a',
      ])
        await refused('invalid_argument', () => mounts().activate('dirs', wanting(`${path}${end}`)));
      const [first, last] = wanting() as [Mount, Mount];
      const strange = { ...last, options: ['X-containerd.mkdir.mode=0700'] };
      await refused('invalid_argument', () => mounts().activate('dirs', [first, strange]));
      assert.deepEqual(await at.mounted(), []);
    },
  },
];
