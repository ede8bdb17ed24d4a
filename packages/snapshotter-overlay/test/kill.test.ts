import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';

const writer = new URL('./fixtures/writer.ts', import.meta.url).pathname;

/** Runs a writer for a while, kills it, and tells what it had said. */
async function killed(root: string, from: number, afterMs: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--conditions=stowage-source', writer, root, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const closed = once(reader, 'close');
  while (lines.length === 0 && child.exitCode === null) await setTimeout(5);
  await setTimeout(afterMs);
  child.kill('SIGKILL');
  await closed;
  expect(child.exitCode).toBeNull();
  return lines;
}

test('whenever a writer is killed, what it had said is true, and no record lacks its files', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'overlay-kill-'));
  const root = join(dir, 'root');
  const said = new Map<string, string>();
  let operations = 0;
  for (let round = 0; round < 5; round++) {
    const lines = await killed(root, round * 10_000 + 1, 20 + Math.random() * 150);
    operations += lines.length;
    for (const line of lines) {
      const [what = '', i = ''] = line.split(' ');
      said.set(i, what);
    }
    await using s = await OverlaySnapshotter.open(root, { skipProbe: true });
    await s.cleanup();
    const there = new Set<string>();
    for await (const { name, kind } of s.list()) {
      const [mount] = kind === 'committed' ? await s.view('look', name) : await s.mounts(name);
      if (kind === 'committed') {
        const content = await readFile(join(mount?.source ?? '', 'file'), 'utf8');
        expect(content).toBe(`content ${name.split(' ')[1]}`);
        await s.remove('look');
        there.add(name.split(' ')[1] ?? '');
      }
    }
    for (const [i, what] of said) {
      if (what === 'committed') expect([i, there.has(i)]).toEqual([i, true]);
      if (what === 'removed') expect([i, there.has(i)]).toEqual([i, false]);
    }
    await s.cleanup();
    const records = await Array.fromAsync(s.list());
    expect(await readdir(join(root, 'snapshots'))).toHaveLength(records.length);
  }
  expect(operations).toBeGreaterThan(20);
  await rm(dir, { recursive: true });
});
