import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { LocalContentStore } from '@stowage/content-store';
import { Digester, digestOf, isDigest } from '@stowage/core';
import { directory } from './fixture.ts';

const child = new URL('./fixtures/commit-until-killed.ts', import.meta.url).pathname;

test('what was acknowledged before a SIGKILL is there, and what is there is whole', async () => {
  await using at = await directory();
  const acknowledged = new Set<string>();
  for (let round = 0; round < 3; round += 1) {
    const writer = spawn(process.execPath, ['--conditions=stowage-source', child, at.dir, `${round * 10}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    writer.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      // Somewhere in the middle of what it does next.
      if (told.split('\n').length > 5) setTimeout(() => writer.kill('SIGKILL'), round * 7);
    });
    const [, signal] = await once(writer, 'close');
    expect(signal).toBe('SIGKILL');
    for (const digest of told.split('\n').filter(isDigest)) acknowledged.add(digest);

    await using store = await LocalContentStore.open(at.dir);
    const there = new Set<string>();
    for await (const { digest } of store.list()) {
      const digester = new Digester();
      for await (const chunk of store.read(digest)) digester.update(chunk);
      expect(digester.digest()).toBe(digest);
      there.add(digest);
    }
    for (const digest of acknowledged) expect(there).toContain(digest);
    // Each of the three may have left one ingest, which goes on from a prefix of what it wrote.
    const left = [];
    for await (const { ref } of store.statuses()) left.push(ref);
    expect(left.length).toBeLessThanOrEqual(3 * (round + 1));
    for (const ref of left) {
      await using resumed = await store.writer({ ref });
      const { offset, digest } = await resumed.status();
      const [seed, i] = ref.slice(1).split('-');
      expect(digest).toBe(digestOf(Buffer.alloc(100_000, `${seed} ${i}`).subarray(0, Number(offset))));
    }
  }
  expect(acknowledged.size).toBeGreaterThan(10);
});
