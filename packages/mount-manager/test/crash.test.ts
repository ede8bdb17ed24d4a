import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { LocalMountManager } from '@stowage/mount-manager';
import { MOST_MOUNTS, type MountHandler } from '@stowage/mounts';
import { mountsOf, openLocal, openMetadata } from './forms.ts';
import { inWorkplace } from './workplace.ts';

test.each([
  'before the manager hears of it',
  'before the first mount',
  'after some mounts',
  'when all is mounted and not recorded',
  'when all is undone and still recorded',
])('SIGKILL %s leaves nothing', async (moment) => {
  await inWorkplace(async (at) => {
    const image = await at.image('disk');
    const child = fileURLToPath(new URL('die-child.ts', import.meta.url));
    const doer = spawn(process.execPath, ['--conditions=stowage-source', child, at.path, image, moment], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    expect(await once(doer, 'close')).toEqual([null, 'SIGKILL']);
    const isMounted = moment === 'after some mounts' || moment === 'when all is mounted and not recorded';
    expect([(await at.mounted()).length, (await at.attached()).length]).toEqual(isMounted ? [2, 1] : [0, 0]);
    await using opened = await openMetadata(at.path);
    expect(await Array.fromAsync(mountsOf(opened.metadata).list())).toEqual([]);
    expect([...(await at.mounted()), ...(await at.stillAttached()), ...(await numbersIn(at.path))]).toEqual(
      [],
    );
  });
});

test('SIGKILL at any moment leaves whole activations and nothing else', async () => {
  await inWorkplace(async (at) => {
    const image = await at.image('disk');
    const told = new Set<string>();
    const child = fileURLToPath(new URL('activate-child.ts', import.meta.url));
    for (let round = 0; round < 8; round += 1) {
      const doer = spawn(
        process.execPath,
        ['--conditions=stowage-source', child, at.path, image, `${round}`],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      let said = '';
      doer.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      await once(doer.stdout, 'data');
      await pause(randomInt(0, 150));
      doer.kill('SIGKILL');
      await once(doer, 'close');
      for (const name of said.split('\n').slice(1, -1))
        if (Number(name.split('-')[1]) % 2 === 1) told.add(name);
    }
    await using opened = await openMetadata(at.path);
    const mounts = mountsOf(opened.metadata);
    const found = await Array.fromAsync(mounts.list());
    expect([...told].filter((name) => !found.some((one) => one.name === name))).toEqual([]);
    // Each of them has all it had, and there is nothing that none of them has.
    const points = found.flatMap(({ active }) =>
      active.filter(({ type }) => type !== 'loop').map((m) => m.mountPoint),
    );
    expect((await at.mounted()).sort()).toEqual(points.sort());
    expect(await at.attached()).toHaveLength(found.length);
    expect(await numbersIn(at.path)).toHaveLength(found.length);
    for (const { name } of found) await mounts.deactivate(name);
    expect(await numbersIn(at.path)).toEqual([]);
  });
}, 120_000);

test('what was begun and not ended is undone at the next start, whatever there is of it', async () => {
  await inWorkplace(async (at) => {
    const state = join(at.path, 'state');
    const types = Array.from({ length: MOST_MOUNTS }, (_, i) => (i === 1 ? 'loop' : 'tmpfs'));
    const record = { types, isWhole: false, activation: { name: 'n', active: [], system: [], labels: {} } };
    // A directory without a record; a record and no mount; mount points without a mount, one of a device let go.
    await mkdir(join(state, '3'), { recursive: true });
    await mkdir(join(state, '4'));
    await writeFile(join(state, '4/activation.json.new'), '{"typ');
    await mkdir(join(state, '5/0'), { recursive: true });
    await writeFile(join(state, '5/activation.json'), JSON.stringify(record));
    await symlink('/dev/loop0', join(state, '5/1'));
    await using opened = await openLocal(at.path);
    expect(await numbersIn(at.path)).toEqual([]);
    expect(await Array.fromAsync(opened.mounts.list())).toEqual([]);
    await opened.mounts.activate('n', [{ type: 'tmpfs', source: 'tmpfs', options: [] }], { temporary: true });
    expect(await numbersIn(at.path)).toEqual(['6']);
    await opened.mounts.deactivate('n');
  });
});

test('what can not be made out stays, and keeps nobody from going on', async () => {
  await inWorkplace(async (at) => {
    const state = join(at.path, 'state');
    await mkdir(join(state, '1'), { recursive: true });
    await writeFile(join(state, '1/activation.json'), 'no JSON');
    await mkdir(join(state, '2/0/somebodys'), { recursive: true });
    await using opened = await openLocal(at.path);
    expect(await numbersIn(at.path)).toEqual(['1', '2']);
    await opened.mounts.activate('n', [{ type: 'tmpfs', source: 'tmpfs', options: [] }], { temporary: true });
    await opened.mounts.deactivate('n');
  });
});

test('a handler that fails to undo hides neither the failure nor what it left', async () => {
  await inWorkplace(async (at) => {
    const state = join(at.path, 'state');
    const stuck: MountHandler = {
      async mount(_, path) {
        await mkdir(path);
        throw new Fault('unavailable', 'not now');
      },
      unmount: () => Promise.reject(new Fault('internal', 'stuck')),
      isMounted: async () => true,
    };
    {
      await using manager = await LocalMountManager.open(state, { handlers: new Map([['stuck', stuck]]) });
      const wanted = { type: 'stuck', source: '', options: [] };
      await expect(manager.activate('n', [wanted])).rejects.toMatchObject({ kind: 'unavailable' });
      expect(await numbersIn(at.path)).toEqual(['1']);
    }
    const unstuck = { ...stuck, unmount: (path: string) => rm(path, { recursive: true, force: true }) };
    await using _ = await LocalMountManager.open(state, { handlers: new Map([['stuck', unstuck]]) });
    expect(await numbersIn(at.path)).toEqual([]);
  });
});

test('two managers never have the same directory', async () => {
  await inWorkplace(async (at) => {
    {
      await using _opened = await openLocal(at.path);
      await expect(openLocal(at.path)).rejects.toMatchObject({ kind: 'failed_precondition' });
    }
    await using _again = await openLocal(at.path);
  });
});

async function numbersIn(root: string): Promise<string[]> {
  return (await readdir(join(root, 'state'))).filter((name) => name !== 'lock').sort();
}
