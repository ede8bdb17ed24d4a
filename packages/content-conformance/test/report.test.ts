import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { type Case, report, type Subject } from '@stowage/content-conformance';
import { LocalContentStore } from '@stowage/content-store';

const opened: string[] = [];
const ended: string[] = [];
const subject: Subject = {
  name: 'local',
  capabilities: new Set(['reopen']),
  open(root) {
    opened.push(root);
    return LocalContentStore.open(root);
  },
  end: async (root) => void ended.push(root),
};
afterAll(async () => {
  for (const root of opened) await rm(root, { recursive: true, force: true });
});
const good: Case = { id: 'good', run: async ({ store }) => void (await Array.fromAsync(store.list())) };
const bad: Case = {
  id: 'bad',
  async run({ store }) {
    await store.abort('nobody');
  },
};
const outcomes = async (cases: readonly Case[], options = {}) =>
  (await Array.fromAsync(report(subject, cases, options))).map(({ id, how, reason }) => [id, how, reason]);

test('each case ends as passed, failed or skipped, with the reason', async () => {
  const needy: Case = { ...bad, id: 'needy', needs: ['labels', 'truncate'] };
  const without: Case = { ...bad, id: 'without', without: 'reopen' };
  expect(await outcomes([good, needy, bad, without])).toEqual([
    ['good', 'passed', ''],
    ['needy', 'skipped', 'needs labels, truncate'],
    ['bad', 'failed', expect.stringMatching(/^abort "nobody": .*files kept in \//)],
    ['without', 'skipped', 'for stores without reopen'],
  ]);
});

test('a case that is known to differ is told as such, and fails if it does not', async () => {
  expect(await outcomes([good, bad], { differs: new Set(['good', 'bad']) })).toEqual([
    ['good', 'failed', expect.stringContaining('it passes')],
    ['bad', 'differs', expect.stringContaining('nobody')],
  ]);
});

test('a case that hangs is given up, and the next one runs', async () => {
  const hung: Case = { id: 'hung', run: () => new Promise(() => {}) };
  expect(await outcomes([hung, good], { timeoutMs: 3000 })).toEqual([
    ['hung', 'failed', 'it did not end within 3000 ms'],
    ['good', 'passed', ''],
  ]);
});

test('what was made elsewhere than in the directory is undone whether the case passed or failed', async () => {
  ended.length = 0;
  await outcomes([good, bad]);
  expect(ended).toEqual(opened.slice(-2));
});

test('a store that leaves no files leaves no directory when it fails', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'elsewhere-'));
  const elsewhere: Subject = { ...subject, open: () => LocalContentStore.open(root) };
  const [outcome] = await Array.fromAsync(report(elsewhere, [bad]));
  expect(outcome?.reason).not.toContain('kept');
  await expect(rm(ended.at(-1) ?? '')).rejects.toMatchObject({ code: 'ENOENT' });
  await rm(root, { recursive: true });
});
