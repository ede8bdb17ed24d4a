// What a daemon and its containers may not leave behind, held to being found.
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { must, type TempDir, tempDir, until } from '@stowage/testing';
import { wholeLife } from '../src/tasks/life.ts';
import { runtimeMissing } from '../src/tasks/missing.ts';
import { descriptors } from '../src/tasks/processes.ts';
import { Servant } from '../src/tasks/servant.ts';
import { Yard } from '../src/tasks/yard.ts';

const missing = await runtimeMissing();
const unlessMissing = missing === undefined ? test : test.skip;
let temp: TempDir;
let yard: Yard;

beforeAll(async () => {
  if (missing !== undefined) return;
  temp = await tempDir('remains');
  yard = await Yard.open({ dir: temp.path });
}, 60_000);
afterAll(async () => {
  if (missing !== undefined) return;
  await yard[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
}, 60_000);

/** Snapshots are removed behind the caller's back: what is on its way out goes soon. */
const nothingIsLeft = () => until('nothing is left', async () => (await yard.left()).length === 0);

unlessMissing(
  'what a container holds is its own while it lives, and found when it should not',
  async () => {
    await using servant = await Servant.run(yard, 'forgotten');
    const kinds = async () => new Set((await yard.left()).map((line) => line.split(':')[0]));
    const all = ['mounts', 'processes', 'cgroups', 'files', 'descriptors'];
    expect(await kinds()).toEqual(new Set(all));
    yard.live.add(servant.id);
    await nothingIsLeft();
    await yard.clear();
    expect(await yard.check()).toEqual([]);
  },
  60_000,
);

unlessMissing('a FIFO, a socket and a directory in the state directory are found', async () => {
  const { state } = yard.daemon;
  await must('mkfifo', [join(state, 'fifo')]);
  await mkdir(join(state, 'directory'));
  const server = createServer().listen(join(state, 'socket'));
  try {
    const left = await yard.left();
    for (const name of ['fifo', 'directory', 'socket']) expect(left).toContain(`files: ${join(state, name)}`);
    expect(left).toContain(`sockets: ${join(state, 'socket')}`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
    await rm(join(state, 'fifo'));
    await rm(join(state, 'directory'), { recursive: true });
  }
  await nothingIsLeft();
});

unlessMissing(
  'a runc does as it is ordered once, and is runc otherwise',
  async () => {
    await yard.runc.order('create', 'ordered', 'fail');
    await expect(wholeLife(yard, 'ordered')).rejects.toThrow('create ordered: exit status 1');
    await yard.clear();
    await wholeLife(yard, 'ordered');
    await nothingIsLeft();
  },
  60_000,
);

unlessMissing('descriptors are counted by what they are', async () => {
  const counts = await descriptors(yard.daemon.pid);
  expect(counts.get('/dev/null')).toBeGreaterThan(0);
  expect(counts.get('socket')).toBeGreaterThan(0);
});
