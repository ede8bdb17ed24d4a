import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { tempDir } from '@stowage/testing';
import { Journal } from '../src/load/journal.ts';
import { JournalReader } from '../src/load/journal-reader.ts';

test('what was appended is read once, in order, as soon as its append settles', async () => {
  await using temp = await tempDir('journal');
  const path = join(temp.path, 'journal.jsonl');
  await using journal = await Journal.open(path);
  await using reader = await JournalReader.open(path);
  const numbers = async () => (await reader.read()).map(({ n }) => n);
  const appends = [0, 1, 2].map((n) => journal.append({ t: 'ack', n, at: 0 }));
  await appends[0];
  const later = journal.append({ t: 'ack', n: 3, at: 0 });
  await Promise.all([...appends, later]);
  expect(await numbers()).toEqual([0, 1, 2, 3]);
  expect(await numbers()).toEqual([]);
});

test('a line that is not whole yet is left for the next time', async () => {
  await using temp = await tempDir('journal');
  const path = join(temp.path, 'journal.jsonl');
  await using reader = await JournalReader.open(path);
  await appendFile(path, '{"t":"ack","n":1,"at":0}\n{"t":"ack"');
  expect(await reader.read()).toEqual([{ t: 'ack', n: 1, at: 0 }]);
  await appendFile(path, ',"n":2,"at":0}\n');
  expect(await reader.read()).toEqual([{ t: 'ack', n: 2, at: 0 }]);
});
