import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Screen } from './fixtures/screen.ts';
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

test('a terminal echoes what is typed, and its output ends with its last user', async () => {
  const [stdin, stdout] = [await bench.fifo('in'), await bench.fifo('out')];
  const screen = new Screen(createReadStream(stdout));
  const request = await bench.container('tty', ['sh', '-c', 'tty; read line; echo "got $line"; exit 5'], {
    ...{ stdin, stdout, terminal: true },
  });
  await bench.tasks.create(request);
  const exit = bench.tasks.wait({ id: 'tty' });
  await bench.tasks.start({ id: 'tty' });
  await using keyboard = await open(stdin, 'w');
  await screen.shows('/dev/pts/0\r\n');
  await keyboard.writeFile('hello\n');
  expect(await exit).toMatchObject({ exitStatus: 5 });
  expect(await screen.all).toBe('/dev/pts/0\r\nhello\r\ngot hello\r\n');
  expect(await bench.tasks.state({ id: 'tty' })).toMatchObject({ terminal: true, stdout, stderr: '' });
  await bench.tasks.delete({ id: 'tty' });
});

test('a terminal has the size that it was given, before the start and later', async () => {
  const [stdin, stdout] = [await bench.fifo('size-in'), await bench.fifo('size-out')];
  const screen = new Screen(createReadStream(stdout));
  const script = 'stty size; read x; stty size';
  await bench.tasks.create(
    await bench.container('size', ['sh', '-c', script], { stdin, stdout, terminal: true }),
  );
  await bench.tasks.resizePty({ id: 'size', width: 100, height: 30 });
  const exit = bench.tasks.wait({ id: 'size' });
  await bench.tasks.start({ id: 'size' });
  await using keyboard = await open(stdin, 'w');
  await screen.shows('30 100\r\n');
  await bench.tasks.resizePty({ id: 'size', width: 81, height: 26 });
  await keyboard.writeFile('\n');
  await exit;
  expect(await screen.all).toBe('30 100\r\n\r\n26 81\r\n');
  await bench.tasks.delete({ id: 'size' });
});

test('much output passes a terminal whole, at the speed of its reader', async () => {
  const stdout = await bench.fifo('much');
  const script = 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done';
  await bench.tasks.create(await bench.container('much', ['sh', '-c', script], { stdout, terminal: true }));
  const exit = bench.tasks.wait({ id: 'much' });
  await bench.tasks.start({ id: 'much' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  // Nobody has read yet, so it can't have written all.
  expect(await bench.tasks.state({ id: 'much' })).toMatchObject({ status: 'running' });
  const output = await text(createReadStream(stdout));
  expect(output).toBe(Array.from({ length: 20000 }, (_, i) => `line ${i}\r\n`).join(''));
  expect(await exit).toMatchObject({ exitStatus: 0 });
  await bench.tasks.delete({ id: 'much' });
});

test('CloseIO is the end of input for a terminal, too', async () => {
  const [stdin, stdout] = [await bench.fifo('end-in'), await bench.fifo('end-out')];
  const output = text(createReadStream(stdout));
  await bench.tasks.create(await bench.container('end', ['cat'], { stdin, stdout, terminal: true }));
  const exit = bench.tasks.wait({ id: 'end' });
  await bench.tasks.start({ id: 'end' });
  await new Promise<void>((resolve) => createWriteStream(stdin).end('x\n', () => resolve()));
  await bench.tasks.closeIO({ id: 'end' });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(await output).toBe('x\r\nx\r\n');
  await bench.tasks.delete({ id: 'end' });
});

test('a terminal without any stream does not hold its process up', async () => {
  const script = 'i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done';
  await bench.tasks.create(await bench.container('mute', ['sh', '-c', script], { terminal: true }));
  const exit = bench.tasks.wait({ id: 'mute' });
  await bench.tasks.start({ id: 'mute' });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  await bench.tasks.delete({ id: 'mute' });
});

test('terminals that came and went hold no descriptor', async () => {
  const start = await bench.supervisorDescriptors();
  for (let round = 0; round < 3; round++) {
    const stdout = await bench.fifo(`round${round}`);
    const id = `round${round}`;
    await bench.tasks.create(await bench.container(id, ['echo', 'x'], { stdout, terminal: true }));
    const exit = bench.tasks.wait({ id });
    await bench.tasks.start({ id });
    const output = text(createReadStream(stdout));
    await exit;
    expect(await output).toBe('x\r\n');
    await bench.tasks.delete({ id });
  }
  await eventually(async () => (await bench.supervisorDescriptors()) <= start);
});
