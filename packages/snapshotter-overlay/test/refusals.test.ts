import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Skip } from '@stowage/core';
import { fsType } from '@stowage/linux';
import { Mounter } from '@stowage/linux/mounter';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';
import { loopDisk } from '@stowage/testing/loop-disk';
import { why } from '../src/why.ts';

const run = promisify(execFile);
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'overlay-refusals-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Why it can't open; fails if it can. */
async function refusalAt(root: string): Promise<string> {
  const opened = await OverlaySnapshotter.open(root).catch((e: unknown) => e);
  if (!Skip.is(opened)) {
    await (opened as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
    throw new Error(`no Skip: ${String(opened)}`);
  }
  return opened.message;
}

test('inside of an overlay: needs a volume', async () => {
  await using mounter = new Mounter();
  for (const name of ['lower', 'upper', 'work', 'merged']) await mkdir(join(dir, name));
  const options = [`lowerdir=${dir}/lower`, `upperdir=${dir}/upper`, `workdir=${dir}/work`];
  const merged = join(dir, 'merged');
  await mounter.mount([{ type: 'overlay', source: 'overlay', options }], merged);
  try {
    expect(await refusalAt(join(merged, 'root'))).toMatch(/\(overlay\).*volume.*native/);
  } finally {
    await mounter.unmount(merged);
  }
});

test('a file system that tells no types of entries: how to make it anew', async () => {
  await using disk = await loopDisk('ext4', '-O', '^filetype');
  expect(await refusalAt(join(disk.path, 'root'))).toMatch(/d_type.*filetype/);
});

test('without CAP_SYS_ADMIN: says so', async () => {
  const script = `
    import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';
    await OverlaySnapshotter.open(${JSON.stringify(join(dir, 'root'))}).catch((e) => console.log(e.name, e.message));
  `;
  const node = [process.execPath, '--conditions=stowage-source', '--input-type=module', '-e', script];
  const { stdout } = await run('setpriv', ['--bounding-set=-sys_admin', ...node], {
    cwd: import.meta.dirname,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(stdout).toMatch(/^Skip .*CAP_SYS_ADMIN/);
});

test('without the module: how to load it', () => {
  expect(why('ENODEV', 'No such device', fsType.ext4)).toMatch(/modprobe overlay.*native/);
});

test('on a file system of no name here: its number, and what the kernel said', () => {
  expect(why('EINVAL', 'mount: Invalid argument', 0x2468ace)).toMatch(
    /0x2468ace.*root_path.*Invalid argument/,
  );
});

test('a path that options cannot hold is refused', async () => {
  await expect(OverlaySnapshotter.open(join(dir, 'a:b'))).rejects.toMatchObject({ kind: 'invalid_argument' });
});
