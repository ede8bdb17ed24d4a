import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Logger } from '@stowage/core';
import fc from 'fast-check';
import { LogCopy } from '../src/supervisor/log-copy.ts';
import { LogFile } from '../src/supervisor/log-file.ts';
import { LogLines, MAX_RECORD_BYTES } from '../src/supervisor/log-lines.ts';
import { streamTarget } from '../src/supervisor/stream-target.ts';

const AT = new Date('2016-10-06T00:17:09.669Z');
const HEAD = '2016-10-06T00:17:09.669000000Z stdout';

/** What a reader puts together. */
function textOf(records: Buffer): Buffer {
  const lines = records.toString('latin1').split('\n').slice(0, -1);
  return Buffer.from(
    lines
      .map((line) => {
        const [, tag, text] = /^\S+Z (?:stdout|stderr) ([FP]) (.*)$/s.exec(line) ?? [];
        return `${text}${tag === 'F' ? '\n' : ''}`;
      })
      .join(''),
    'latin1',
  );
}

test('a line is a record with its time, its stream and F', () => {
  const lines = new LogLines('stdout');
  expect(lines.push(Buffer.from('one\n\ntwo\r\nthr'), AT).toString()).toBe(
    `${HEAD} F one\n${HEAD} F \n${HEAD} F two\r\n`,
  );
  expect(lines.hasRest).toBe(true);
  expect(lines.push(Buffer.from('ee\n'), AT).toString()).toBe(`${HEAD} F three\n`);
  expect(lines.flush(AT)).toHaveLength(0);
});

test('what has no line feed yet is P, and its line ends with an F, be it empty', () => {
  const lines = new LogLines('stdout');
  expect(lines.push(Buffer.from('$ '), AT)).toHaveLength(0);
  expect(lines.flush(AT).toString()).toBe(`${HEAD} P $ \n`);
  expect(lines.push(Buffer.from('\n'), AT).toString()).toBe(`${HEAD} F \n`);
});

test('no record is longer than 16 KiB', () => {
  const lines = new LogLines('stdout');
  const exact = 'x'.repeat(MAX_RECORD_BYTES);
  expect(lines.push(Buffer.from(`${exact}\n`), AT).toString()).toBe(`${HEAD} F ${exact}\n`);
  expect(lines.push(Buffer.from(`${exact}y`), AT).toString()).toBe(`${HEAD} P ${exact}\n`);
  expect(lines.push(Buffer.from('z\n'), AT).toString()).toBe(`${HEAD} F yz\n`);
});

test('whatever is written comes out byte for byte, however it was cut', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constant(new Uint8Array([10])),
    fc.integer({ min: 0, max: 3 * MAX_RECORD_BYTES }).map((n) => new Uint8Array(n).fill(120)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, fc.boolean()), { maxLength: 12 }), (pieces) => {
      const lines = new LogLines('stdout');
      const records = pieces.map(([bytes, flush]) =>
        Buffer.concat([lines.push(bytes, AT), flush ? lines.flush(AT) : Buffer.alloc(0)]),
      );
      const all = Buffer.concat([...records, lines.flush(AT)]);
      expect(textOf(all).equals(Buffer.concat(pieces.map(([bytes]) => bytes)))).toBe(true);
    }),
    { numRuns: 200 },
  );
});

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'log-format-'));
  path = join(dir, 'log');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const complaints: string[] = [];
const log: Logger = { debug() {}, info() {}, warn() {}, error: (_, msg) => void complaints.push(msg) };
const fileOf = (bounds: { maxSizeBytes?: number; maxFiles?: number } = {}) =>
  new LogFile(
    { kind: 'log', uri: '', path, maxSizeBytes: Number.POSITIVE_INFINITY, maxFiles: 1, ...bounds },
    log,
  );
const read = (suffix = '') => readFile(`${path}${suffix}`, 'utf8');

test('a file is put aside before it is too long, and the oldest goes', async () => {
  const file = fileOf({ maxSizeBytes: 10, maxFiles: 3 });
  for (const n of [1, 2, 3, 4, 5, 6, 7]) await file.append(Buffer.from(`line${n}\n`));
  await file.close();
  expect([await read(), await read('.1'), await read('.2')]).toEqual(['line7\n', 'line6\n', 'line5\n']);
  await expect(stat(`${path}.3`)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('one that is the only one begins anew', async () => {
  const file = fileOf({ maxSizeBytes: 10 });
  for (const n of [1, 2, 3]) await file.append(Buffer.from(`line${n}\n`));
  await file.close();
  expect(await read()).toBe('line3\n');
});

test('a record does not go on where another was torn', async () => {
  await writeFile(path, 'whole\ntor');
  const file = fileOf();
  await file.append(Buffer.from('next\n'));
  await file.close();
  expect(await read()).toBe('whole\ntor\nnext\n');
});

test('what can not be written is dropped, said once, and it goes on once it can', async () => {
  complaints.length = 0;
  const elsewhere = `${dir}-away`;
  await rename(dir, elsewhere);
  const file = fileOf();
  await file.append(Buffer.from('lost\n'));
  await file.append(Buffer.from('lost too\n'));
  expect(complaints).toHaveLength(1);
  await rename(elsewhere, dir);
  await file.append(Buffer.from('back\n'));
  await file.close();
  expect(await read()).toBe('back\n');
});

test('a prompt is in the log although its line has not ended', async () => {
  const file = fileOf();
  const source = new PassThrough();
  const copy = new LogCopy(source, 'stderr', file);
  source.write('ready\npassword: ');
  for (let tries = 0; tries < 500 && !(await read().catch(() => '')).includes('password'); tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await read()).toMatch(/^\S+Z stderr F ready\n\S+Z stderr P password: \n$/);
  source.end('secret');
  await copy.done;
  await file.close();
  expect(await read()).toMatch(/\n\S+Z stderr P secret\n$/);
});

test('a URI says where, in which form and how much; what it says wrongly is refused', async () => {
  const target = (query: string) => streamTarget('stdout', `file:///a%20b${query}`);
  expect(await target('')).toEqual({ kind: 'file', path: '/a b' });
  expect(await target('?format=cri')).toMatchObject({
    ...{ kind: 'log', path: '/a b', maxSizeBytes: Number.POSITIVE_INFINITY, maxFiles: 1 },
  });
  expect(await target('?format=cri&max-size=20m&max-file=5')).toMatchObject({
    ...{ maxSizeBytes: 20 * 1024 * 1024, maxFiles: 5 },
  });
  for (const query of [
    '?format=json',
    '?format=cri&max-size=1',
    '?format=cri&max-size=many',
    '?format=cri&max-file=0',
  ])
    await expect(target(query)).rejects.toMatchObject({ kind: 'invalid_argument' });
});
