import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { numbers } from './fixtures/logger.ts';
import { census, Workbench } from './fixtures/workbench.ts';

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

const COUNT = 2_800_000;
const digestOf = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
/** Of more than 20 MiB: every number up to one, so that a piece that is lost or out of place shows. */
const expected = digestOf(numbers(COUNT));
const BOTH = `busybox seq 1 ${COUNT} >&2 & busybox seq 1 ${COUNT}; wait`;

/** Reads a FIFO in a way of its own, and gives all that it has read. */
type Reader = (path: string) => Promise<Uint8Array>;

const late: Reader = async (path) => {
  await delay(500);
  return buffer(createReadStream(path));
};

const pausing: Reader = async (path) => {
  const chunks: Buffer[] = [];
  let read = 0;
  for await (const chunk of createReadStream(path)) {
    chunks.push(chunk);
    read += chunk.length;
    if (chunks.length % 64 === 0 && read < 8_000_000) await delay(50);
  }
  return Buffer.concat(chunks);
};

/** Goes away and comes again. */
const turning: Reader = async (path) => {
  const chunks: Buffer[] = [];
  for (let turn = 0; turn < 5; turn++) {
    await using file = await open(path, 'r');
    for (let i = 0; i < 20; i++) {
      const { bytesRead, buffer: chunk } = await file.read(Buffer.alloc(65_536));
      chunks.push(chunk.subarray(0, bytesRead));
    }
  }
  return Buffer.concat([...chunks, await buffer(createReadStream(path))]);
};

test.each([
  ['comes late', late],
  ['pauses', pausing],
  ['goes away and comes again', turning],
])('20 MiB on both streams just before the exit reach a reader that %s', async (name, reader) => {
  const id = `fifo-${name.replaceAll(' ', '-')}`;
  const [stdout, stderr] = [await bench.fifo(`${id}-out`), await bench.fifo(`${id}-err`)];
  const outputs = Promise.all([reader(stdout), reader(stderr)]);
  const { exit, remove } = await started(id, ['sh', '-c', BOTH], { stdout, stderr });
  expect((await outputs).map(digestOf)).toEqual([expected, expected]);
  expect(await exit).toMatchObject({ exitStatus: 0 });
  await remove();
});

test('20 MiB on both streams are in their files when the exit is told', async () => {
  const [out, err] = [join(bench.directory, 'out.log'), join(bench.directory, 'err.log')];
  const { exit, remove } = await started('file', ['sh', '-c', BOTH], {
    ...{ stdout: `file://${out}`, stderr: `file://${err}` },
  });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect([digestOf(await readFile(out)), digestOf(await readFile(err))]).toEqual([expected, expected]);
  await remove();
});

test('20 MiB pass a terminal just before the exit, to a reader that comes late', async () => {
  const stdout = await bench.fifo('tty-out');
  const output = late(stdout);
  const script = `stty raw; busybox seq 1 ${COUNT}; exit 3`;
  const { exit, remove } = await started('tty', ['sh', '-c', script], { stdout, terminal: true });
  expect(digestOf(await output)).toBe(expected);
  expect(await exit).toMatchObject({ exitStatus: 3 });
  await remove();
});

test('5 MiB of standard input arrive whole, from writers that come and go; CloseIO alone ends them', async () => {
  const [stdin, stdout] = [await bench.fifo('in'), await bench.fifo('out')];
  const output = buffer(createReadStream(stdout));
  const { exit, remove } = await started('cat', ['cat'], { stdin, stdout });
  const data = Buffer.from(numbers(800_000));
  expect(data.length).toBeGreaterThan(5 * 1024 * 1024);
  for (let at = 0; at < data.length; at += 1_000_000) {
    await using keyboard = await open(stdin, 'w');
    await keyboard.writeFile(data.subarray(at, at + 1_000_000));
  }
  await delay(200);
  expect(await bench.tasks.state({ id: 'cat' })).toMatchObject({ status: 'running' });
  await bench.tasks.closeIO({ id: 'cat' });
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(digestOf(await output)).toBe(digestOf(data));
  await remove();
});

test('a reader of a terminal goes away and another sees what is shown from then on', async () => {
  const [stdin, stdout] = [await bench.fifo('re-in'), await bench.fifo('re-out')];
  const script = 'stty -echo; echo one; read x; echo two; read x; echo three';
  const { exit, remove } = await started('again', ['sh', '-c', script], { stdin, stdout, terminal: true });
  const keyboard = await open(stdin, 'w');
  {
    await using first = await open(stdout, 'r');
    expect((await first.read(Buffer.alloc(5), 0, 5)).buffer.toString()).toBe('one\r\n');
  }
  await keyboard.writeFile('\n');
  await keyboard.close();
  await using again = await open(stdin, 'w');
  const second = text(createReadStream(stdout));
  await again.writeFile('\n');
  expect(await exit).toMatchObject({ exitStatus: 0 });
  expect(await second).toBe('two\r\nthree\r\n');
  await remove();
});

test('streams that are not named are /dev/null', async () => {
  const path = join(bench.directory, 'lower/tmp/null');
  const { exit, remove } = await started('null', [
    'sh',
    '-c',
    'cat; echo x >&2; ls -l /proc/$$/fd | cat >/tmp/null; true',
  ]);
  expect(await exit).toMatchObject({ exitStatus: 0 });
  const links = [...(await readFile(path, 'utf8')).matchAll(/ (\d+) -> (.*)$/gm)].map(
    ([, fd, to]) => `${fd} ${to}`,
  );
  expect(links.slice(0, 3)).toEqual(['0 /dev/null', '1 /dev/null', '2 /dev/null']);
  await remove();
});
