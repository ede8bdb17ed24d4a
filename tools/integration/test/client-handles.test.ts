import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from '@jest/globals';
import { type Client, type ContainerHandle, connect, type IoOptions } from '@stowage/client';
import { withArgs } from '@stowage/oci-spec';
import { demoArchive, mustCtr } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('client-handles');
const IMAGE = 'example.org/demo:1';
const open = () => connect(suite.daemon.address, { namespace: suite.namespace });
let fifoDir: string;
let serial = 0;

beforeAll(async () => {
  fifoDir = join(suite.dir, 'fifos');
  await mkdir(fifoDir);
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

async function container(client: Client, ...args: string[]): Promise<ContainerHandle> {
  const image = await client.image(IMAGE);
  return await client.createContainer({ id: `c${serial++}`, image, spec: [withArgs(...args)] });
}

async function expectNothingLeft(client: Client): Promise<void> {
  expect(await Array.fromAsync(client.services.containers.list())).toEqual([]);
  expect(await Array.fromAsync(client.services.tasks.list())).toEqual([]);
  expect(await Array.fromAsync(client.services.leases.list())).toEqual([]);
  const active = await Array.fromAsync(client.services.snapshotter('overlayfs').list());
  expect(active.filter(({ kind }) => kind === 'active')).toEqual([]);
  expect(await readdir(fifoDir)).toEqual([]);
}

test('a task that was never started goes when disposed, and so does its container', async () => {
  await using client = open();
  {
    await using made = await container(client, 'sleep', '100');
    await using task = await made.createTask({ io: { fifoDir, stdin: new PassThrough(), stdout: true } });
    expect((await task.status()).status).toBe('created');
  }
  await expectNothingLeft(client);
});

test('one that has exited, and one that was deleted by somebody else, are no failure to dispose', async () => {
  await using client = open();
  {
    await using made = await container(client, 'true');
    await using task = await made.createTask();
    const exit = task.wait();
    await task.start();
    expect(await exit).toMatchObject({ exitStatus: 0 });
    await client.services.tasks.delete(made.id);
  }
  await expectNothingLeft(client);
});

test('execs that were never started, run, or have exited, go when disposed', async () => {
  await using client = open();
  {
    await using made = await container(client, 'sleep', '100');
    await using task = await made.createTask();
    await task.start();
    const process = { args: ['sleep', '100'], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } };
    for (const state of ['created', 'running', 'exited'] as const) {
      await using added = await task.exec({ execId: state, process, io: { fifoDir, stdout: true } });
      const exit = added.wait();
      exit.catch(() => undefined);
      if (state !== 'created') await added.start();
      if (state === 'exited') {
        await added.kill('SIGKILL');
        expect(await exit).toMatchObject({ exitStatus: 137 });
      }
    }
    for (const execId of ['created', 'running', 'exited']) {
      const known = client.services.tasks.get({ containerId: made.id, execId });
      await expect(known).rejects.toMatchObject({ kind: 'not_found' });
    }
    expect(await task.status()).toMatchObject({ status: 'running' });
  }
  await expectNothingLeft(client);
});

test('a failing start tells why, and disposing leaves nothing', async () => {
  await using client = open();
  {
    await using made = await container(client, '/no/such/program');
    await expect(made.createTask({ io: { fifoDir, stdout: true } })).rejects.toThrow('no such file');
    await using other = await container(client, 'sleep', '100');
    await using task = await other.createTask();
    await task.start();
    const process = { args: ['nope'], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } };
    await using added = await task.exec({
      execId: 'nope',
      process,
      io: { fifoDir, stdout: true, stderr: true },
    });
    await expect(added.start()).rejects.toThrow('executable file not found');
  }
  await expectNothingLeft(client);
});

test('delete of what runs is refused in a way to branch on; a container with a task stays', async () => {
  await using client = open();
  {
    await using made = await container(client, 'sleep', '100');
    await using task = await made.createTask();
    await task.start();
    await expect(task.delete()).rejects.toMatchObject({ kind: 'failed_precondition' });
    await expect(made.delete()).rejects.toMatchObject({ kind: 'failed_precondition' });
    await task.pause();
    await task.end();
    await expect(task.status()).rejects.toMatchObject({ kind: 'not_found' });
  }
  await expectNothingLeft(client);
});

test('what it printed last is there after delete, though nobody read before', async () => {
  await using client = open();
  await using made = await container(client, 'sh', '-c', 'seq 3000; echo end >&2');
  const task = await made.createTask({ io: { fifoDir, stdout: true, stderr: true } });
  const exit = task.wait();
  await task.start();
  await exit;
  await task.delete();
  const out = await text(task.stdout as Readable);
  expect(out.split('\n')).toHaveLength(3001);
  expect(await text(task.stderr as Readable)).toBe('end\n');
});

test('a released task runs on', async () => {
  await using client = open();
  await using made = await container(client, 'sleep', '100');
  {
    await using task = await made.createTask();
    await task.start();
    task.release();
  }
  await using again = await client.task(made.id);
  expect(await again.status()).toMatchObject({ status: 'running' });
  await again.end();
});

test('an output that fails is told at once, while the process runs', async () => {
  await using client = open();
  {
    await using made = await container(client, 'sh', '-c', 'echo x; exec sleep 100');
    const stdout = new PassThrough();
    await using task = await made.createTask({ io: { fifoDir, stdout } });
    const finished = task.finished();
    finished.catch(() => undefined);
    await task.start();
    stdout.destroy(new Error('disk full'));
    await expect(finished).rejects.toThrow('disk full');
    expect(await task.status()).toMatchObject({ status: 'running' });
  }
  await expectNothingLeft(client);
});

test('an input that fails is told, and does not end the input', async () => {
  await using client = open();
  {
    await using made = await container(client, 'cat');
    const stdin = new PassThrough();
    await using task = await made.createTask({ io: { fifoDir, stdin } });
    const finished = task.finished();
    finished.catch(() => undefined);
    await task.start();
    stdin.destroy(new Error('no tape'));
    await expect(finished).rejects.toThrow('no tape');
    expect(await task.status()).toMatchObject({ status: 'running' });
  }
  await expectNothingLeft(client);
});

test.each(['a pipe', 'a terminal'])('input through %s ends the process that reads it', async (what) => {
  await using client = open();
  const terminal = what === 'a terminal';
  const io: IoOptions = { fifoDir, stdin: Readable.from(['one\n', 'two\n']), stdout: true, terminal };
  const image = await client.image(IMAGE);
  await using made = await client.createContainer({
    id: `c${serial++}`,
    image,
    spec: [withArgs('cat'), ...(terminal ? [(await import('@stowage/oci-spec')).withTty()] : [])],
  });
  await using task = await made.createTask({ io });
  const out = text(task.stdout as Readable);
  const finished = task.finished();
  await task.start();
  expect(await finished).toMatchObject({ exitStatus: 0 });
  await task.delete();
  expect((await out).replaceAll('\r', '')).toContain('one\ntwo\n');
});

// Aborted a little later each time, so that each step is hit once.
test.each([0, 2, 5, 10, 15, 20, 30, 45, 60])(
  'an abort after %i ms leaves no container, task, snapshot, lease or FIFO',
  async (ms) => {
    await using client = open();
    const image = await client.image(IMAGE);
    const signal = AbortSignal.timeout(ms);
    const id = `aborted-${ms}`;
    try {
      await using made = await client.createContainer({ id, image, spec: [withArgs('sleep', '9')], signal });
      await using task = await made.createTask({ io: { fifoDir, stdout: true }, signal });
      await task.start({ signal });
      await task.wait({ signal });
    } catch (e) {
      expect(e).toBe(signal.reason);
    }
    await expectNothingLeft(client);
  },
);

test('ids in use are already_exists, and the other one is left alone', async () => {
  await using client = open();
  const image = await client.image(IMAGE);
  {
    await using first = await client.createContainer({ id: 'same', image });
    await expect(client.createContainer({ id: 'same', image })).rejects.toMatchObject({
      kind: 'already_exists',
      message: expect.stringContaining('create container same'),
    });
    const second = client.createContainer({ id: 'same', image, snapshotKey: 'another' });
    await expect(second).rejects.toMatchObject({ kind: 'already_exists' });
    expect(await first.info()).toMatchObject({ id: 'same' });
  }
  await expectNothingLeft(client);
});

test('an image that is not unpacked is said to be', async () => {
  await using client = open();
  const image = await client.image(IMAGE);
  const made = client.createContainer({ id: 'raw', image, snapshotter: 'native' });
  await expect(made).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('is not unpacked'),
  });
  await expectNothingLeft(client);
});
