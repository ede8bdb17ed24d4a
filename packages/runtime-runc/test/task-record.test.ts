import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { changeOwner, claimTask, readTaskRecord, type TaskRecord } from '../src/supervisor/task-record.ts';

let tasks: string;
beforeEach(async () => {
  tasks = await mkdtemp(join(tmpdir(), 'claims-'));
});
afterEach(async () => {
  await rm(tasks, { recursive: true });
});

const stdio = { stdin: '', stdout: '', stderr: '', terminal: false };
const record = (owner: string): TaskRecord => ({
  ...{ format: 1, owner, namespace: 'ns', id: 'c', bundle: '/b', rootfs: [], specDigest: '', ownPids: true },
  ...{ runtime: { binary: 'runc', root: '/r' } as TaskRecord['runtime'], paused: false },
  ...{ init: { phase: 'creating', stdio }, execs: [] },
});

test('of many supervisors that claim a task at once one has it, and the others leave nothing', async () => {
  const owners = Array.from({ length: 16 }, (_, i) => `s${i}`);
  const claims = await Promise.allSettled(owners.map((owner) => claimTask(join(tasks, 'c'), record(owner))));
  const winners = owners.filter((_, i) => claims[i]?.status === 'fulfilled');
  expect(winners).toHaveLength(1);
  expect((await readTaskRecord(join(tasks, 'c')))?.owner).toBe(winners[0]);
  for (const claim of claims) {
    if (claim.status === 'rejected') expect(claim.reason).toMatchObject({ kind: 'already_exists' });
  }
  expect(await readdir(tasks)).toEqual(['c']);
});

test('what is left of one that was deleted halfway is no task', async () => {
  await mkdir(join(tasks, 'c'));
  await writeFile(join(tasks, 'c/init.pid'), '5');
  await claimTask(join(tasks, 'c'), record('a'));
  expect(await readdir(join(tasks, 'c'))).toEqual(['task.json']);
});

test('an owner is changed whole, and a later format is neither read nor claimed', async () => {
  await claimTask(join(tasks, 'c'), record('a'));
  const changed = await changeOwner(join(tasks, 'c'), record('a'), 'b');
  expect(await readTaskRecord(join(tasks, 'c'))).toEqual(changed);
  await writeFile(join(tasks, 'c/task.json'), JSON.stringify({ format: 2, owner: 'z' }));
  await expect(readTaskRecord(join(tasks, 'c'))).rejects.toMatchObject({ kind: 'unimplemented' });
  await expect(claimTask(join(tasks, 'c'), record('a'))).rejects.toMatchObject({ kind: 'already_exists' });
});
