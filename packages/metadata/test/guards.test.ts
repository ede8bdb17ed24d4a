import { execFile } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { Metadata } from '@stowage/metadata';
import { Level } from 'level';
import { blobOf, names } from './setting.ts';

const run = promisify(execFile);
const target = blobOf('x');

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'metadata-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function fill(metadata: Metadata, from: number, to: number): Promise<void> {
  const { images } = metadata.scope({ namespace: 'default' });
  const make = (_: unknown, i: number) => images.create({ name: `i${from + i}`, target, labels: {} });
  await Promise.all(Array.from({ length: to - from }, make));
}

async function imagesOf(metadata: Metadata): Promise<string[]> {
  return names(metadata.scope({ namespace: 'default' }).images.list(), ({ name }) => name);
}

async function refusal(): Promise<Fault> {
  try {
    await using _ = await Metadata.open(root);
  } catch (e) {
    if (Fault.is(e)) return e;
    throw e;
  }
  throw new Error('it was opened');
}

test('a second opener is told who has it open', async () => {
  await using _ = await Metadata.open(root);
  expect(await refusal()).toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('this process'),
  });
  const child = fileURLToPath(new URL('writer-child.ts', import.meta.url));
  const other = await run(process.execPath, ['--conditions=stowage-source', child, root, '0']).catch(
    (e: unknown) => e,
  );
  expect(other).toMatchObject({ stderr: expect.stringContaining(`process ${process.pid} (`) });
});

test('a mark from a newer Stowage: refused, and nothing is touched', async () => {
  await (await Metadata.open(root))[Symbol.asyncDispose]();
  await changeMark({ schema: 2 });
  expect(await refusal()).toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('newer Stowage'),
  });
});

async function changeMark(change: object): Promise<void> {
  const path = join(root, 'metadata.mark');
  const mark = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...mark, ...change }));
}

async function fileOf(pattern: RegExp): Promise<string> {
  const [name = ''] = (await readdir(join(root, 'db'))).filter((file) => pattern.test(file));
  return join(root, 'db', name);
}

test.each<[string, () => Promise<void>]>([
  ['the mark names a mutation that is not there', () => changeMark({ seq: '1000' })],
  ['the mark is of another database', () => changeMark({ uuid: 'other' })],
  ['the mark is garbled', () => writeFile(join(root, 'metadata.mark'), 'x')],
  ['the mark is gone', () => rm(join(root, 'metadata.mark'))],
  ['the database is gone', () => rm(join(root, 'db'), { recursive: true })],
  ['CURRENT is gone', () => rm(join(root, 'db', 'CURRENT'))],
  ['the manifest is gone', async () => rm(await fileOf(/^MANIFEST/))],
  ['the log file is gone', async () => rm(await fileOf(/\.log$/))],
  [
    'the log file is cut in the middle',
    async () => {
      await using file = await open(await fileOf(/\.log$/), 'r+');
      await file.truncate(Math.floor((await file.stat()).size / 2));
    },
  ],
  [
    'the log file has a byte changed in the middle',
    async () => {
      await using file = await open(await fileOf(/\.log$/), 'r+');
      const at = Math.floor((await file.stat()).size / 2);
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
      await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, at);
    },
  ],
])('%s: it is refused as data_loss, twice, with the files kept', async (what, damage) => {
  {
    await using metadata = await Metadata.open(root);
    await fill(metadata, 0, 100);
  }
  await damage();
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const fault = await refusal();
    expect(fault.kind).toBe('data_loss');
    if (what.includes('log file') || what.includes('not there'))
      expect(fault.message).toMatch(/Its files as they were before are in .*aside\/0*\d+/);
  }
});

test('the last three copies are kept', async () => {
  for (let i = 0; i < 6; i += 1) await (await Metadata.open(root))[Symbol.asyncDispose]();
  expect(await readdir(join(root, 'aside'))).toEqual(['000003', '000004', '000005']);
});

test('a value that the disk changed is data_loss naming its key, never an answer', async () => {
  {
    await using metadata = await Metadata.open(root);
    await fill(metadata, 0, 3);
  }
  const store = new Level<string, Uint8Array>(join(root, 'db'), { valueEncoding: 'view' });
  const key = 'v1/default/images/i1';
  const value = Buffer.from((await store.get(key)) ?? []);
  value.writeUInt8(value.readUInt8(value.length - 1) ^ 1, value.length - 1);
  await store.put(key, value);
  await store.put('v1/default/images/i2', Buffer.from((await store.get('v1/default/images/i0')) ?? []));
  await store.close();
  await using metadata = await Metadata.open(root);
  const { images } = metadata.scope({ namespace: 'default' });
  expect((await images.get('i0')).name).toBe('i0');
  await expect(images.get('i1')).rejects.toMatchObject({
    kind: 'data_loss',
    message: expect.stringContaining(key),
  });
  await expect(images.get('i2')).rejects.toMatchObject({ kind: 'data_loss' });
  await expect(imagesOf(metadata)).rejects.toMatchObject({ kind: 'data_loss' });
});

test('a start that a crash interrupted before the mark was written goes on', async () => {
  await (await Metadata.open(root))[Symbol.asyncDispose]();
  await rm(join(root, 'metadata.mark'));
  await using metadata = await Metadata.open(root);
  await fill(metadata, 0, 1);
});

test('nobody else can look into it', async () => {
  const directory = join(root, 'state');
  await (await Metadata.open(directory))[Symbol.asyncDispose]();
  const { stdout } = await run('stat', ['-c', '%a', directory, join(directory, 'metadata.mark')]);
  expect(stdout).toBe('700\n600\n');
});
