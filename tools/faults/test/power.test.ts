// A power cut, held to taking what was not synced.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { reasonOf } from '@stowage/core';
import { tempDir } from '@stowage/testing';
import { Arena } from '../src/arena.ts';
import { LoopDisk, loopDiskMissing } from '../src/ground/loop-disk.ts';
import { cutPower } from '../src/ground/power.ts';
import { Strace, straceMissing } from '../src/ground/strace.ts';

const missing = (await loopDiskMissing()) ?? (await straceMissing());
const unlessMissing = missing === undefined ? test : test.skip;

unlessMissing('a daemon whose syncs do nothing loses what it acknowledged', async () => {
  await using temp = await tempDir('no-sync');
  await using disk = await LoopDisk.make({ dir: temp.path, sizeBytes: 256 * 1024 ** 2 });
  await disk.mount(['commit=300']);
  await using arena = await Arena.open({ dir: temp.path, seed: 1, unsynced: true });
  await arena.start();
  const calls = ['fsync', 'fdatasync', 'syncfs', 'sync', 'sync_file_range'];
  const strace = await Strace.attach(
    arena.daemon.pid,
    { calls, instead: 'retval=0', when: '1+' },
    `${temp.path}/strace.log`,
  );
  await arena.beginLoad();
  for (let tries = 0; tries < 100 && (await strace.injected()) < 50; tries++) await sleep(100);
  await cutPower(disk.path);
  await arena.kill();
  await strace[Symbol.asyncDispose]();
  await arena.endLoad();
  expect(arena.acknowledged).toBeGreaterThan(0);
  await disk.unmount();
  await disk.mount();
  // It may notice by itself, and refuse to start.
  const started = await arena.start().catch(reasonOf);
  if (started !== undefined) expect(started).toContain('stowaged ended with');
  else expect((await arena.check()).map(({ rule }) => rule)).toContain('lost');
});
