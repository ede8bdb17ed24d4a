import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Mount } from '@stowage/core';
import { close, open } from '../src/index.ts';
import { Mounter } from '../src/mounter.ts';
import { tempDir } from './fixtures/temp.ts';

const tmpfs: Mount = { type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] };

test('mounts, lists and unmounts, recursively too', async () => {
  using dir = tempDir();
  await using mounter = new Mounter();
  await mounter.mount([tmpfs, tmpfs], dir.path);
  mkdirSync(join(dir.path, 'below'));
  await mounter.mount([tmpfs], join(dir.path, 'below'));
  const mounted = async () =>
    (await mounter.mounts()).map(({ mountPoint }) => mountPoint).filter((path) => path.startsWith(dir.path));
  expect(await mounted()).toEqual([dir.path, dir.path, join(dir.path, 'below')]);
  await mounter.syncfs(dir.path);
  await expect(mounter.unmount(dir.path, { busyTimeoutMs: 60 })).rejects.toMatchObject({ code: 'EBUSY' });
  await mounter.unmount(dir.path, { recursive: true });
  expect(await mounted()).toEqual([]);
  await mounter.unmount(dir.path, { recursive: true });
  await mounter.unmount(join(dir.path, 'absent'));
});

test('the first of two mounts is undone if the second fails', async () => {
  using dir = tempDir();
  await using mounter = new Mounter();
  const bad = { ...tmpfs, options: ['bogus'] };
  await expect(mounter.mount([tmpfs, bad], dir.path)).rejects.toMatchObject({
    code: 'EINVAL',
    syscall: 'mount',
  });
  const managed = { ...tmpfs, options: ['X-containerd.mkdir.path=/x'] };
  await expect(mounter.mount([tmpfs, managed], dir.path)).rejects.toMatchObject({ kind: 'unimplemented' });
  expect(await mounter.mounts()).not.toContainEqual(expect.objectContaining({ mountPoint: dir.path }));
});

test('an aborted mount leaves nothing and rejects with the reason', async () => {
  using dir = tempDir();
  await using mounter = new Mounter();
  const reason = new Error('enough');
  await expect(mounter.mount([tmpfs], dir.path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const stop = new AbortController();
  const mounting = mounter.mount([tmpfs], dir.path, { signal: stop.signal });
  stop.abort(reason);
  await expect(mounting).rejects.toBe(reason);
  expect(await mounter.mounts()).not.toContainEqual(expect.objectContaining({ mountPoint: dir.path }));
});

test('an unmount waits for a user that leaves, and an abort ends the wait', async () => {
  using dir = tempDir();
  await using mounter = new Mounter();
  await mounter.mount([tmpfs], dir.path);
  const fd = open(dir.path, 0);
  const stop = new AbortController();
  const reason = new Error('enough');
  setTimeout(() => stop.abort(reason), 80);
  await expect(mounter.unmount(dir.path, { signal: stop.signal })).rejects.toBe(reason);
  setTimeout(() => close(fd), 80);
  await mounter.unmount(dir.path);
});

test('withMount cleans up after a success, a failure and a user that stays', async () => {
  await using mounter = new Mounter();
  using parent = tempDir();
  const at = { directory: parent.path };
  const seen = await mounter.withMount(
    [tmpfs],
    async (path) => {
      writeFileSync(join(path, 'file'), '');
      return readdirSync(path);
    },
    at,
  );
  expect(seen).toEqual(['file']);
  const failure = new Error('from fn');
  await expect(mounter.withMount([tmpfs], () => Promise.reject(failure), at)).rejects.toBe(failure);
  let fd = -1;
  await mounter.withMount(
    [tmpfs],
    async (path) => {
      fd = open(path, 0);
    },
    at,
  );
  close(fd);
  await expect(mounter.withMount([{ ...tmpfs, type: 'nosuchfs' }], async () => {}, at)).rejects.toMatchObject(
    { code: 'ENODEV' },
  );
  expect(readdirSync(parent.path)).toEqual([]);
});

test('calls under way reject when the worker dies, and the next one starts another', async () => {
  using dir = tempDir();
  await using mounter = new Mounter();
  // A value that cannot be cloned is the caller's mistake, not the worker's death.
  await expect(mounter.mount([(() => {}) as never], dir.path)).rejects.toMatchObject({
    name: 'DataCloneError',
  });
  const { WorkerCalls } = await import('../src/worker-calls.ts');
  const { Worker } = await import('node:worker_threads');
  const url = new URL('./fixtures/dying-worker.ts', import.meta.url);
  await using calls = new WorkerCalls<{ die(): void; answer(): number }>('dying', () => new Worker(url));
  const lost = Promise.allSettled([calls.call('answer'), calls.call('die'), calls.call('answer')]);
  expect(await lost).toMatchObject([
    { status: 'fulfilled', value: 42 },
    { status: 'rejected', reason: { kind: 'unavailable' } },
    { status: 'rejected', reason: { kind: 'unavailable' } },
  ]);
  expect(await calls.call('answer')).toBe(42);
});

test('disposing waits for calls under way, and refuses later ones', async () => {
  using dir = tempDir();
  const mounter = new Mounter();
  const mounting = mounter.mount([tmpfs], dir.path);
  await mounter[Symbol.asyncDispose]();
  await mounting;
  await expect(mounter.unmount(dir.path)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a process ends by itself with a mounter and a poller in use', async () => {
  const script = `
    import { Mounter } from '@stowage/linux/mounter';
    import { Poller } from '@stowage/linux/poller';
    import { eventfd } from '@stowage/linux';
    const mounter = new Mounter();
    await mounter.syncfs('/dev/shm');
    new Poller().watchFd(eventfd(), () => {});
    await mounter.syncfs('/dev/shm');
  `;
  for (const ending of ['', 'process.exit(3);', 'throw new Error("x");']) {
    const started = performance.now();
    const child = spawn(
      process.execPath,
      ['--conditions=stowage-source', '--input-type=module', '-e', script + ending],
      {
        cwd: new URL('..', import.meta.url),
        stdio: ['ignore', 'inherit', 'pipe'],
      },
    );
    expect(await once(child, 'exit')).toEqual([ending === '' ? 0 : ending.startsWith('throw') ? 1 : 3, null]);
    expect(performance.now() - started).toBeLessThan(3000);
  }
  expect(existsSync('/dev/shm')).toBe(true);
  execFileSync('true');
});
