import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Notice } from '../src/logs/notice.ts';
import { type ReadLogOptions, readLog } from '../src/logs/read.ts';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'logs-'));
  path = join(dir, 'log');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const record = (text: string, tag = 'F', stream = 'stdout') =>
  `2026-01-02T03:04:05.000000000Z ${stream} ${tag} ${text}\n`;

async function all(options?: ReadLogOptions): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const { bytes } of readLog(path, options)) pieces.push(bytes);
  return Buffer.concat(pieces).toString();
}

test('records are put together to what was written', async () => {
  await writeFile(
    path,
    record('a', 'P') + record('b') + record('') + record('err', 'F', 'stderr') + record('$ ', 'P'),
  );
  expect(await all()).toBe('ab\n\nerr\n$ ');
});

test('the last lines are found over many blocks, in all files, with the parts that belong to them', async () => {
  const long = 'x'.repeat(16_384);
  await writeFile(`${path}.1`, Array.from({ length: 100 }, (_, i) => record(`old ${i}`)).join(''));
  await writeFile(path, record('one') + record(long, 'P').repeat(20) + record('end') + record('two'));
  expect(await all({ tail: 0 })).toBe('');
  expect(await all({ tail: 1 })).toBe('two\n');
  expect(await all({ tail: 2 })).toBe(`${long.repeat(20)}end\ntwo\n`);
  expect(await all({ tail: 4 })).toBe(`old 99\none\n${long.repeat(20)}end\ntwo\n`);
  expect((await all({ tail: 1000 })).split('\n')).toHaveLength(104);
});

test('the last line counts, though it is not ended yet', async () => {
  await writeFile(path, record('one') + record('two') + record('thr', 'P') + record('ee', 'P'));
  expect(await all({ tail: 1 })).toBe('three');
  expect(await all({ tail: 2 })).toBe('two\nthree');
});

test('a log without times is lines of its own', async () => {
  await writeFile(path, `one\n${'y'.repeat(200_000)}\nthree`);
  expect(await all({ tail: 1 })).toBe('three');
  expect(await all({ tail: 2 })).toBe(`${'y'.repeat(200_000)}\nthree`);
  expect(await all()).toHaveLength(200_010);
});

test('following goes on through files that are put aside and begun anew, to the end', async () => {
  await writeFile(path, record('one'));
  const ended = Promise.withResolvers<void>();
  using follow = new Notice(path, ended.promise, new AbortController().signal);
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { bytes } of readLog(path, { follow })) seen.push(bytes.toString());
  })();
  const until = async (text: string) => {
    for (let tries = 0; seen.at(-1) !== text && tries < 1000; tries++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(seen.at(-1)).toBe(text);
  };
  await until('one\n');
  await appendFile(path, record('two'));
  await until('two\n');
  await appendFile(path, record('three'));
  // Twice before it looks again.
  await rename(path, `${path}.1`);
  await writeFile(path, record('four'));
  await rename(`${path}.1`, `${path}.2`);
  await rename(path, `${path}.1`);
  await writeFile(path, record('five') + record('six'));
  await until('six\n');
  await writeFile(path, record('7'));
  await until('7\n');
  await appendFile(path, record('end', 'P'));
  ended.resolve();
  await reading;
  expect(seen.join('')).toBe('one\ntwo\nthree\nfour\nfive\nsix\n7\nend');
});
