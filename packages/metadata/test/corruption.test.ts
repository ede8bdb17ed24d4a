import {
  cp,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { Metadata } from '@stowage/metadata';
import { blobOf } from './setting.ts';

const TRIALS = process.env.STOWAGE_LONG ? 300 : 60;
const TORN_TRIALS = process.env.STOWAGE_LONG ? 30 : 5;
const RECORDS = 3000;
const target = blobOf('x');

let root: string;
let whole: string;
/** What was acknowledged: names of images and a label of each. */
let acknowledged: ReadonlyMap<string, string>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'metadata-'));
  whole = join(root, 'whole');
  acknowledged = await makeWhole(whole);
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

/** A database in several tables, with changed and deleted records, and a log file that holds some more. */
async function makeWhole(directory: string): Promise<ReadonlyMap<string, string>> {
  const values = new Map<string, string>();
  for (let part = 0; part < 3; part += 1) {
    {
      await using metadata = await Metadata.open(directory, { keepLog: 1000n });
      const { images } = metadata.scope({ namespace: 'default' });
      const size = RECORDS / 3;
      await Promise.all(
        Array.from({ length: size }, async (_, i) => {
          const name = `i${String(part * size + i).padStart(5, '0')}`;
          await images.create({ name, target, labels: { l: `first ${name}` } });
          values.set(name, `first ${name}`);
        }),
      );
      for (const [i, name] of [...values.keys()].entries()) {
        if (i % 10 === part) {
          await images.update({ ...(await images.get(name)), labels: { l: `${part} ${name}` } });
          values.set(name, `${part} ${name}`);
        } else if (i % 10 === 5) {
          await images.delete(name);
          values.delete(name);
        }
      }
    }
  }
  // Each start makes a table of what the log file holds.
  for (let part = 0; part < 2; part += 1) {
    await using metadata = await Metadata.open(directory, { keepLog: 1000n });
    const { images } = metadata.scope({ namespace: 'default' });
    for (let i = 0; i < 40; i += 1) {
      const name = `late${part}-${i}`;
      await images.create({ name, target, labels: { l: name } });
      values.set(name, name);
    }
  }
  const files = await readdir(join(directory, 'db'));
  expect(files.filter((name) => name.endsWith('.ldb')).length).toBeGreaterThan(1);
  return values;
}

/** Numbers that are the same in each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Verdict = 'refused' | 'whole';

/** @throws if a record that was acknowledged is not there, or not as it was, or one that was deleted is. */
async function verdictOn(directory: string): Promise<Verdict> {
  let metadata: Metadata;
  try {
    metadata = await Metadata.open(directory);
  } catch (e) {
    if (!Fault.is(e)) throw e;
    expect(['data_loss', 'unimplemented']).toContain(e.kind);
    expect(e.message).toContain(directory);
    return 'refused';
  }
  await using _ = metadata;
  const { images } = metadata.scope({ namespace: 'default' });
  const listed = new Map<string, string | undefined>();
  for await (const { name, labels } of images.list()) listed.set(name, labels.l);
  expect(listed).toEqual(acknowledged);
  // By key as well, which goes through indexes and filters.
  const got = await Promise.all(
    [...acknowledged.keys()].map(async (name) => [name, (await images.get(name)).labels.l] as const),
  );
  expect(new Map(got)).toEqual(acknowledged);
  return 'whole';
}

const KINDS: ReadonlyArray<readonly [kind: string, pattern: RegExp]> = [
  ['write-ahead log', /^db\/\d+\.log$/],
  ['table', /^db\/\d+\.ldb$/],
  ['table', /^db\/\d+\.ldb$/],
  ['MANIFEST', /^db\/MANIFEST-\d+$/],
  ['CURRENT', /^db\/CURRENT$/],
  ['LOCK', /^db\/LOCK$/],
  ['mark', /^metadata\.mark$/],
];
const DAMAGES = ['flip', 'flip', 'flip', 'truncate', 'delete', 'swap'] as const;

/** @returns what was done, or undefined where nothing can be. */
async function damage(directory: string, trial: number): Promise<string | undefined> {
  const pick = numbers(trial + 1);
  pick(1);
  const [kind, pattern] = KINDS[trial % KINDS.length] ?? ['', /^/];
  const act = DAMAGES[Math.floor(trial / KINDS.length) % DAMAGES.length];
  const all = await filesIn(directory);
  const files = all.filter((name) => pattern.test(name));
  const name = files[pick(files.length)] ?? '';
  const path = join(directory, name);
  const { size } = await stat(path);
  switch (act) {
    case 'flip': {
      if (size === 0) return undefined;
      const at = pick(size);
      const bit = pick(8);
      await using file = await open(path, 'r+');
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
      await file.write(Buffer.from([buffer.readUInt8(0) ^ (1 << bit)]), 0, 1, at);
      return `${kind} ${name}: bit ${bit} of byte ${at} of ${size} flipped`;
    }
    case 'truncate': {
      const length = pick(Math.max(size, 1));
      await truncate(path, length);
      return `${kind} ${name}: cut from ${size} to ${length} bytes`;
    }
    case 'delete':
      await rm(path);
      return `${kind} ${name}: deleted`;
    default: {
      const same = files.filter((other) => other !== name);
      const others = same.length > 0 ? same : all.filter((other) => other !== name && /^db\//.test(other));
      const other = others[pick(others.length)] ?? '';
      await rename(path, `${path}.swap`);
      await rename(join(directory, other), path);
      await rename(`${path}.swap`, join(directory, other));
      return `${kind} ${name}: swapped with ${other}`;
    }
  }
}

async function filesIn(directory: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).filter((name) => !/^aside|LOG/.test(name)).sort();
}

test(`a damaged file: refused, or nothing is missing and nothing is wrong (${TRIALS} trials)`, async () => {
  const counts = { trials: 0, refused: 0, whole: 0 };
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const directory = join(root, `trial${trial}`);
    await cp(whole, directory, { recursive: true });
    const what = await damage(directory, trial);
    if (what === undefined) continue;
    counts.trials += 1;
    try {
      counts[await verdictOn(directory)] += 1;
    } catch (e) {
      throw new Error(`trial ${trial}: ${what}`, { cause: e });
    }
    await rm(directory, { recursive: true });
  }
  process.stdout.write(`corruption: ${JSON.stringify(counts)}\n`);
  expect(counts.refused).toBeGreaterThan(counts.trials / 2);
  expect(counts.whole).toBeGreaterThan(0);
}, 600_000);

test.each([
  ['cut off', (path: string, size: number, bytes: number) => truncate(path, size - bytes)],
  [
    'zeroed',
    async (path: string, size: number, bytes: number) => {
      await using file = await open(path, 'r+');
      await file.write(Buffer.alloc(bytes), 0, bytes, size - bytes);
    },
  ],
])(
  'a last write that was not acknowledged, its last bytes %s: only that one is gone',
  async (_, tear) => {
    const verdicts = { whole: 0 };
    const pick = numbers(7);
    for (let trial = 0; trial < TORN_TRIALS; trial += 1) {
      const directory = join(root, 'torn');
      await cp(whole, directory, { recursive: true });
      const log = join(directory, (await filesIn(directory)).find((name) => name.endsWith('.log')) ?? '');
      // LevelDB has written it, and a power cut came before it was safe.
      const before = (await stat(log)).size;
      const unsafe = recordOf(pick(8000));
      await writeFile(log, unsafe, { flag: 'a' });
      await tear(log, before + unsafe.length, 1 + pick(Math.min(4096, unsafe.length)));
      verdicts[(await verdictOn(directory)) as 'whole'] += 1;
      await rm(directory, { recursive: true });
    }
    expect(verdicts).toEqual({ whole: TORN_TRIALS });
  },
  300_000,
);

/** The start of a record as LevelDB writes it; its checksum does not matter, since it will be torn. */
function recordOf(length: number): Buffer {
  const record = Buffer.alloc(7 + length, 'x');
  record.writeUInt16LE(length, 4);
  record.writeUInt8(1, 6);
  return record;
}

test('acknowledged writes at the end of the log, cut off: refused', async () => {
  const pick = numbers(11);
  for (let trial = 0; trial < 8; trial += 1) {
    const directory = join(root, 'cut');
    await cp(whole, directory, { recursive: true });
    const log = join(directory, (await filesIn(directory)).find((name) => name.endsWith('.log')) ?? '');
    await truncate(log, (await stat(log)).size - 1 - pick(4096));
    expect(await verdictOn(directory)).toBe('refused');
    await rm(directory, { recursive: true });
  }
}, 120_000);

test('what an open refuses it leaves as it was', async () => {
  const directory = join(root, 'kept');
  await cp(whole, directory, { recursive: true });
  const table = join(directory, (await filesIn(directory)).find((name) => name.endsWith('.ldb')) ?? '');
  const bytes = await readFile(table);
  bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
  await writeFile(table, bytes);
  const before = await Promise.all(
    (await filesIn(directory)).map((name) => readFile(join(directory, name)).catch(() => '')),
  );
  expect(await verdictOn(directory)).toBe('refused');
  expect(
    await Promise.all(
      (await filesIn(directory)).map((name) => readFile(join(directory, name)).catch(() => '')),
    ),
  ).toEqual(before);
}, 60_000);
