import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { enterPrivateRoot, primePool } from '../src/confine.ts';

test('a confined worker sees its jail only, and nobody else sees the jail', async () => {
  await primePool();
  const base = mkdtempSync(join(tmpdir(), 'linux-confine-'));
  const target = join(base, 'target');
  mkdirSync(target);
  const hostRoot = readdirSync('/');
  const worker = new Worker(new URL('./fixtures/jail-worker.ts', import.meta.url), {
    workerData: { base, target },
  });
  try {
    const [seen] = await once(worker, 'message');
    expect(seen).toMatchObject({
      list1: ['dots', 'inside', 'up'],
      list2: ['dots', 'inside', 'up'],
      up: ['dots', 'inside', 'up'],
      dots: ['dots', 'inside', 'up'],
      mode: 0o666,
      device: 'EACCES',
      back: true,
      undone: 0,
      overlay: ['a', 'b', 'lower-device'],
      overlayDevices: ['EACCES', 'EACCES'],
      outside: 'ok',
      itself: 'EACCES',
      bind: 'EACCES',
      upper: ['b'],
      mounts: 2,
    });
    expect(await readdir('/')).toEqual(hostRoot);
    expect(readdirSync('/')).toEqual(hostRoot);
    // Others on the machine mount and unmount meanwhile.
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(base);
    expect(readdirSync(target)).toEqual(['lower-device']);
  } finally {
    await worker.terminate();
    rmSync(base, { recursive: true });
  }
});

test('the main thread is never confined', () => {
  expect(() => enterPrivateRoot([])).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});
