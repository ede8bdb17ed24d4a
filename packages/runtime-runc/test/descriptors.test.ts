import { readdir, readFile, readlink } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jsonBytes, TYPE_URL } from '@stowage/core';
import type { Stdio } from '@stowage/runtime';
import { TestLogger } from './fixtures/logger.ts';
import { census, eventually, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
let before: unknown;
/** Containers that go on beside, so that the supervisor has as much open as it ever has. */
const BESIDE = ['beside-tty', 'beside-plain', 'beside-logger'];

beforeAll(async () => {
  bench = await Workbench.open();
  before = await census(bench);
  const logger = await TestLogger.make(bench, 'beside');
  const streams: Partial<Stdio>[] = [
    { stdin: await bench.fifo('b1'), stdout: await bench.fifo('b2'), terminal: true },
    { stdin: await bench.fifo('b3'), stdout: await bench.fifo('b4'), stderr: await bench.fifo('b5') },
    { stdout: logger.uri(), stderr: logger.uri() },
  ];
  for (const [i, id] of BESIDE.entries()) {
    await bench.tasks.create(await bench.container(id, ['sleep', '1000'], streams[i]));
    await bench.tasks.start({ id });
  }
});
afterAll(async () => {
  await using ending = bench;
  for (const id of BESIDE) {
    await ending.tasks.kill({ id, signal: 9 });
    await ending.tasks.wait({ id });
    await ending.tasks.delete({ id });
  }
  expect(await census(ending)).toEqual(before);
});

const kinds: readonly [string, (name: string) => Promise<Partial<Stdio>>][] = [
  ['nothing', async () => ({})],
  [
    'FIFOs',
    async (name) => ({
      stdin: await bench.fifo(`${name}i`),
      stdout: await bench.fifo(`${name}o`),
      stderr: await bench.fifo(`${name}e`),
    }),
  ],
  [
    'a file',
    async (name) => ({
      stdout: `file://${bench.directory}/${name}.log`,
      stderr: `file://${bench.directory}/${name}.log`,
    }),
  ],
  [
    'a logging binary',
    async (name) => {
      const uri = (await TestLogger.make(bench, name)).uri('binary');
      return { stdin: await bench.fifo(`${name}i`), stdout: uri, stderr: uri };
    },
  ],
];

test.each(
  kinds.flatMap(([kind, streams], i) =>
    [false, true].map((terminal) => [kind, terminal, streams, `k${i}${terminal ? 't' : 'p'}`] as const),
  ),
)('init and added processes have three descriptors: %s, terminal: %s', async (_, terminal, streams, name) => {
  const plain = { stdin: '', stdout: '', stderr: '', ...(await streams(name)) };
  const stdio = { ...plain, stderr: terminal ? '' : plain.stderr, terminal };
  await bench.tasks.create(await bench.container(name, ['sleep', '1000'], stdio));
  const { pid } = await bench.tasks.start({ id: name });
  const e = { id: name, execId: 'e' };
  const added = { ...stdio, ...(await streams(`${name}x`)), terminal, ...(terminal && { stderr: '' }) };
  const spec = jsonBytes(TYPE_URL.process, { args: ['sleep', '1000'], cwd: '/', env: ['PATH=/bin'] });
  await bench.tasks.exec({ ...e, ...added, spec });
  const exec = await bench.tasks.start(e);
  for (const one of [pid, exec.pid]) {
    // A runtime has more open until it becomes the program.
    await eventually(async () => (await readFile(`/proc/${one}/comm`, 'utf8')) === 'sleep\n');
    const fds = await readdir(`/proc/${one}/fd`);
    expect(fds.sort()).toEqual(['0', '1', '2']);
    const links = await Promise.all(fds.map((fd) => readlink(`/proc/${one}/fd/${fd}`)));
    if (terminal) for (const link of links) expect(link).toMatch(/^\/dev\/pts\/\d+$/);
  }
  await bench.tasks.kill({ id: name, signal: 9 });
  await bench.tasks.wait({ id: name });
  await bench.tasks.delete({ id: name });
});
