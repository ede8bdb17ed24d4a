import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { Metadata } from '@stowage/metadata';
import { Level } from 'level';
import { evidenceBeside } from '../src/database/evidence.ts';
import { type Mark, readMark, writeMark } from '../src/database/mark.ts';
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

test('a newer Stowage wrote it: refused, and not a byte of the directory is touched', async () => {
  {
    await using metadata = await Metadata.open(root);
    await fill(metadata, 0, 10);
  }
  await changeMark({ schema: 2 });
  await rm(join(root, 'db/LOCK'));
  const before = await pictureOf(root);
  expect(before.size).toBeGreaterThan(5);
  expect(await refusal()).toMatchObject({
    kind: 'unimplemented',
    message: expect.stringContaining('newer Stowage'),
  });
  expect(await pictureOf(root)).toEqual(before);
});

/** Names, times and bytes of all there is. */
async function pictureOf(directory: string): Promise<Map<string, string>> {
  const picture = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mtimeMs, ctimeMs, mode } = await stat(path);
    const bytes = entry.isFile() ? await readFile(path, 'hex') : '';
    picture.set(path, `${mtimeMs} ${ctimeMs} ${mode} ${bytes}`);
  }
  return picture;
}

async function changeMark(change: Partial<Mark>): Promise<void> {
  const path = join(root, 'metadata.mark');
  const mark = await readMark(path);
  if (mark === undefined) throw new Error('there is a mark');
  await writeMark(path, { ...mark, ...change });
}

async function changeText(file: string, pattern: RegExp, text: string): Promise<void> {
  const path = join(root, file);
  const before = await readFile(path, 'utf8');
  await writeFile(path, before.replace(pattern, text));
  if ((await readFile(path, 'utf8')) === before) throw new Error('it is changed');
}

async function fileOf(pattern: RegExp): Promise<string> {
  const [name = ''] = (await readdir(join(root, 'db'))).filter((file) => pattern.test(file));
  return join(root, 'db', name);
}

test.each<[string, () => Promise<void>]>([
  ['the mark names a mutation that is not there', () => changeMark({ seq: 1000n })],
  ['the mark is of another database', () => changeMark({ uuid: 'other' })],
  ['the mark is garbled', () => writeFile(join(root, 'metadata.mark'), 'x')],
  ['a digit of the mark is changed', () => changeText('metadata.mark', /"seq":"(\d)/, '"seq":"0')],
  ['the mark is gone', () => rm(join(root, 'metadata.mark'))],
  ['the database is gone', () => rm(join(root, 'db'), { recursive: true })],
  [
    'the mark and CURRENT are gone',
    async () => {
      await rm(join(root, 'metadata.mark'));
      await rm(join(root, 'db', 'CURRENT'));
    },
  ],
  [
    'all but the copies aside is gone',
    async () => {
      await rm(join(root, 'metadata.mark'));
      await rm(join(root, 'db'), { recursive: true });
      await mkdir(join(root, 'aside/000001'), { recursive: true });
    },
  ],
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

test('values that the disk changed: refused, naming the first', async () => {
  const key = 'v1/default/images/i1';
  const changes: Array<(store: Level<string, Uint8Array>) => Promise<void>> = [
    async (store) => {
      const value = Buffer.from((await store.get(key)) ?? []);
      value.writeUInt8(value.readUInt8(value.length - 1) ^ 1, value.length - 1);
      await store.put(key, value);
    },
    async (store) => store.put(key, Buffer.from((await store.get('v1/default/images/i0')) ?? [])),
    async (store) => store.put(key, Buffer.alloc(0)),
  ];
  for (const [i, change] of changes.entries()) {
    const directory = join(root, String(i));
    {
      await using metadata = await Metadata.open(directory);
      await fill(metadata, 0, 3);
    }
    const store = new Level<string, Uint8Array>(join(directory, 'db'), { valueEncoding: 'view' });
    await change(store);
    await store.close();
    await expect(Metadata.open(directory)).rejects.toMatchObject({
      kind: 'data_loss',
      message: expect.stringContaining(key),
    });
  }
});

test('a record of the log that is missing in the middle: refused, naming it', async () => {
  {
    await using metadata = await Metadata.open(root);
    await fill(metadata, 0, 20);
  }
  const store = new Level(join(root, 'db'));
  await store.del('v1/!log/000000000000000a');
  await store.close();
  expect(await refusal()).toMatchObject({
    kind: 'data_loss',
    message: expect.stringContaining('mutations 10 to 10 are missing'),
  });
});

test('a first start that was interrupted goes on, wherever it was', async () => {
  const mark: Mark = { uuid: randomUUID(), schema: 1, seq: 0n };
  const whole = join(root, 'whole');
  await (await Metadata.open(whole))[Symbol.asyncDispose]();
  const { uuid } = (await readMark(join(whole, 'metadata.mark'))) ?? mark;
  const states: ReadonlyArray<(at: string) => Promise<void>> = [
    () => Promise.resolve(),
    (at) => writeFile(join(at, 'metadata.mark.new'), ''),
    (at) => writeMark(join(at, 'metadata.mark'), mark),
    async (at) => {
      await writeMark(join(at, 'metadata.mark'), mark);
      await mkdir(join(at, 'db'));
      await writeFile(join(at, 'db/MANIFEST-000001'), '');
      await writeFile(join(at, 'db/CURRENT'), 'MANIFEST-000001\n');
    },
    async (at) => {
      await cp(join(whole, 'db'), join(at, 'db'), { recursive: true });
      await writeMark(join(at, 'metadata.mark'), { ...mark, uuid });
    },
  ];
  for (const [i, prepare] of states.entries()) {
    const at = join(root, `at${i}`);
    await mkdir(at);
    await prepare(at);
    for (const from of [0, 1]) {
      await using metadata = await Metadata.open(at);
      await fill(metadata, from, from + 1);
      expect(await imagesOf(metadata)).toHaveLength(from + 1);
    }
  }
});

test('a new database beside blobs or snapshots of an old one: refused, naming what was found', async () => {
  const directory = join(root, 'io.containerd.metadata.v1.level');
  const evidence = () => evidenceBeside(root);
  const open = () => Metadata.open(directory, { evidence });
  const left = [
    'io.containerd.content.v1.content/blobs/sha256/0123',
    'io.containerd.snapshotter.v1.overlayfs/snapshots/7',
  ];
  await mkdir(join(root, 'io.containerd.content.v1.content/blobs/sha256'), { recursive: true });
  await mkdir(join(root, 'io.containerd.snapshotter.v1.overlayfs/snapshots'), { recursive: true });
  for (const path of left) {
    await mkdir(join(root, path));
    await expect(open()).rejects.toMatchObject({ kind: 'data_loss', message: expect.stringContaining(path) });
    expect(await readdir(directory)).toEqual([]);
    await rm(join(root, path), { recursive: true });
  }
  await (await open())[Symbol.asyncDispose]();
  await mkdir(join(root, left[0] ?? ''));
  await (await open())[Symbol.asyncDispose]();
});

test('nobody else can look into it', async () => {
  const directory = join(root, 'state');
  await (await Metadata.open(directory))[Symbol.asyncDispose]();
  const { stdout } = await run('stat', ['-c', '%a', directory, join(directory, 'metadata.mark')]);
  expect(stdout).toBe('700\n600\n');
});
