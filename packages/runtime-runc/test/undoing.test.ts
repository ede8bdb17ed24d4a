import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { OptionsSchema } from '@stowage/api/runc/v1';
import { unlessAbsent } from '@stowage/core';
import { packMessage } from '@stowage/rpc';
import { layout } from '../src/layout.ts';
import { census, eventually, gone, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

/** A runc that makes a container and then fails, and that can't remove any while a file is there. */
async function failing() {
  const [binaryName, marker] = [join(bench.directory, 'failing-runc'), join(bench.directory, 'hold')];
  const script = `#!/bin/sh
case "$*" in
  *" delete "*) [ -e ${marker} ] && { echo held >&2; exit 1; } ;;
  *" create "*) runc "$@"; [ -e ${marker} ] && exit 1 || exit 0 ;;
esac
exec runc "$@"
`;
  await writeFile(binaryName, script, { mode: 0o755 });
  await writeFile(marker, '');
  const options = packMessage(OptionsSchema, { binaryName });
  return { options, release: () => rm(marker) };
}

async function left(id: string): Promise<boolean> {
  const at = layout(bench.state);
  const places = [join(at.runtime, bench.namespace), join(at.tasks, bench.namespace)];
  const names = await Promise.all(places.map((place) => unlessAbsent(readdir(place))));
  return names.flat().includes(id);
}

test('what a failed creation left, and could not be removed, is removed once it can be', async () => {
  const before = await census(bench);
  const { release, ...runc } = await failing();
  const request = await bench.container('c', ['sleep', '1000'], runc);
  await expect(bench.tasks.create(request)).rejects.toThrow(/exit status 1/);
  expect(await left('c')).toBe(true);
  await expect(bench.tasks.create(request)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('what a failed attempt left'),
  });
  await release();
  await eventually(async () => !(await left('c')), 10_000);
  await bench.tasks.create(request);
  await bench.tasks.delete({ id: 'c' });
  // Nobody waits for its init, which the reaper finds among its children.
  await eventually(async () => (await census(bench)).children.length === 0, 10_000);
  expect(await census(bench)).toEqual(before);
}, 60_000);

test('the next creation does not wait for the removal to be tried again', async () => {
  const { release, ...runc } = await failing();
  const request = await bench.container('c', ['sleep', '1000'], runc);
  await expect(bench.tasks.create(request)).rejects.toThrow(/exit status 1/);
  await release();
  await bench.tasks.create(request);
  await bench.tasks.delete({ id: 'c' });
}, 60_000);

test('a supervisor that comes after goes on with the removal', async () => {
  const { release, ...runc } = await failing();
  const request = await bench.container('c', ['sleep', '1000'], runc);
  await expect(bench.tasks.create(request)).rejects.toThrow(/exit status 1/);
  const pid = await bench.supervisorPid();
  process.kill(pid, 'SIGKILL');
  await gone(pid);
  await eventually(async () => (await bench.supervisorPid().catch(() => pid)) !== pid);
  expect(await left('c')).toBe(true);
  await release();
  await eventually(async () => !(await left('c')), 10_000);
}, 60_000);
