import { createReadStream, createWriteStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OptionsSchema } from '@stowage/api/runc/v1';
import { packMessage } from '@stowage/rpc';
import { census, eventually, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
let before: unknown;
beforeAll(async () => {
  bench = await Workbench.open();
  before = await census(bench);
});
afterAll(async () => {
  await using ending = bench;
  expect(await census(ending)).toEqual(before);
  expect(ending.complaints).toEqual([]);
});

async function started(...container: Parameters<Workbench['container']>) {
  const [id] = container;
  await bench.tasks.create(await bench.container(...container));
  const exit = bench.tasks.wait({ id });
  await bench.tasks.start({ id });
  return { exit, remove: () => bench.tasks.delete({ id }) };
}

test('20 MiB written just before the exit arrive whole', async () => {
  const stdout = await bench.fifo('big');
  const output = buffer(createReadStream(stdout));
  const { exit, remove } = await started('big', ['dd', 'if=/dev/zero', 'bs=1M', 'count=20'], { stdout });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect((await output).length).toBe(20 * 1024 * 1024);
  await remove();
});

test('a reader that comes after the exit gets all, and then the end, before the delete', async () => {
  const stdout = await bench.fifo('late');
  const stderr = await bench.fifo('late-err');
  const script = 'echo out; echo err >&2; exit 3';
  const { exit, remove } = await started('late', ['sh', '-c', script], { stdout, stderr });
  expect(await exit).toMatchObject({ exitStatus: 3 });
  expect(await text(createReadStream(stdout))).toBe('out\n');
  expect(await text(createReadStream(stderr))).toBe('err\n');
  await remove();
});

test('what nobody reads is let go at the delete', async () => {
  const stdout = await bench.fifo('unread');
  const { exit, remove } = await started('unread', ['echo', 'x'], { stdout });
  await exit;
  const before = await descriptors(bench);
  await remove();
  expect(await descriptors(bench)).toBeLessThan(before);
});

test('with no reader a container waits, alone', async () => {
  const stdout = await bench.fifo('full');
  const { exit, remove } = await started('full', ['dd', 'if=/dev/zero', 'bs=64k', 'count=4'], { stdout });
  const other = await started('free', ['echo', 'x'], {});
  expect(await other.exit).toMatchObject({ exitStatus: 0 });
  await other.remove();
  expect(await bench.tasks.state({ id: 'full' })).toMatchObject({ status: 'running' });
  expect((await buffer(createReadStream(stdout))).length).toBe(4 * 65536);
  expect(await exit).toMatchObject({ exitStatus: 0 });
  await remove();
});

test('a reader that goes away and one that comes later break nothing', async () => {
  const stdout = await bench.fifo('turns');
  const { exit, remove } = await started('turns', ['sh', '-c', 'echo 1; sleep 0.3; echo 2; echo 3'], {
    stdout,
  });
  const first = await open(stdout, 'r');
  expect((await first.read(Buffer.alloc(2), 0, 2)).bytesRead).toBe(2);
  await first.close();
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(await text(createReadStream(stdout))).toBe('2\n3\n');
  await remove();
});

test('stdin ends by CloseIO, and not when a client closes its end', async () => {
  const [stdin, stdout] = [await bench.fifo('in'), await bench.fifo('echo')];
  const output = text(createReadStream(stdout));
  const { exit, remove } = await started('stdin', ['cat'], { stdin, stdout });
  await write(stdin, 'one ');
  await write(stdin, 'two');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await bench.tasks.state({ id: 'stdin' })).toMatchObject({ status: 'running' });
  await bench.tasks.closeIO({ id: 'stdin' });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(await output).toBe('one two');
  await remove();
});

test('stdout and stderr may be one FIFO', async () => {
  const stdout = await bench.fifo('both');
  const output = text(createReadStream(stdout));
  const script = 'echo a; echo b >&2; echo c';
  const { exit, remove } = await started('both', ['sh', '-c', script], { stdout, stderr: stdout });
  await exit;
  expect(await output).toBe('a\nb\nc\n');
  await remove();
});

test('a file is appended to, and made if it is not there', async () => {
  const path = join(bench.directory, 'a log');
  const stdout = `file://${encodeURI(path)}`;
  for (const id of ['file1', 'file2']) {
    const script = `echo ${id}; echo error >&2`;
    const { exit, remove } = await started(id, ['sh', '-c', script], { stdout, stderr: stdout });
    await exit;
    await remove();
  }
  expect(await readFile(path, 'utf8')).toBe('file1\nerror\nfile2\nerror\n');
  expect((await stat(path)).mode & 0o777).toBe(0o640);
});

test('a container has no descriptor but its three', async () => {
  const [stdin, stdout] = [await bench.fifo('fd-in'), await bench.fifo('fds')];
  const output = text(createReadStream(stdout));
  const { exit, remove } = await started('fds', ['ls', '-l', '/proc/self/fd'], { stdin, stdout });
  await exit;
  const links = (await output).split('\n').flatMap((line) => / (\d+) -> (.*)$/.exec(line)?.slice(1) ?? []);
  expect(links).toEqual(['0', stdin, '1', stdout, '2', '/dev/null']);
  await remove();
});

test('a user other than root may write to its own streams', async () => {
  const stdout = await bench.fifo('user');
  const output = text(createReadStream(stdout));
  const change: Parameters<Workbench['container']>[2] = {
    stdout,
    change: (spec) => {
      spec.process.user = { uid: 1000, gid: 1000 };
    },
  };
  const { exit, remove } = await started('user', ['sh', '-c', 'echo hi > /dev/stdout; id -u'], change);
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(await output).toBe('hi\n1000\n');
  await remove();
});

test('FIFOs get the owner that the options name, and runc makes that the user of the process', async () => {
  const stdout = await bench.fifo('owned');
  const options = packMessage(OptionsSchema, { ioUid: 1234, ioGid: 5678 });
  const { exit, remove } = await started('owned', ['true'], { stdout, options });
  await exit;
  expect(await stat(stdout)).toMatchObject({ uid: 0, gid: 5678 });
  await remove();
});

test('a process of a container finds no signal ignored or blocked', async () => {
  const stdout = await bench.fifo('signals');
  const output = text(createReadStream(stdout));
  const { exit, remove } = await started('signals', ['cat', '/proc/self/status'], { stdout });
  await exit;
  const signals = (await output).split('\n').filter((line) => /^Sig(Blk|Ign):/.test(line));
  expect(signals).toEqual(['SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000']);
  await remove();
});

async function write(path: string, data: string): Promise<void> {
  const stream = createWriteStream(path);
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.end(data, () => resolve());
  });
}

async function descriptors(of: Workbench): Promise<number> {
  let count = 0;
  await eventually(async () => {
    const now = await of.supervisorDescriptors();
    const settled = now === count;
    count = now;
    return settled;
  });
  return count;
}
