import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '@stowage/testing';
import { Arena, type Failure } from '../arena.ts';
import { Filler } from '../ground/filler.ts';
import { LoopDisk, loopDiskMissing } from '../ground/loop-disk.ts';
import type { Nemesis } from './nemesis.ts';

const SIZE_BYTES = 64 * 1024 ** 2;
/** What a daemon, or the client's own write into a snapshot, may say of a full disk. */
const CLEAN: ReadonlySet<string> = new Set(['resource_exhausted', 'unavailable', 'ENOSPC']);

/** What there is too little of. */
const GROUNDS = [
  {
    name: 'ext4, bytes',
    make: (dir: string) => ext4(dir, []),
    fill: (root: string) => Filler.bytes(root),
  },
  {
    name: 'ext4, inodes',
    make: (dir: string) => ext4(dir, ['-N', '3000']),
    fill: (root: string) => Filler.inodes(root),
  },
  { name: 'tmpfs, bytes', make: tmpfs, fill: (root: string) => Filler.bytes(root) },
] as const;

/**
 * A disk that gets full under load. Errors must say so; when there is room again everything must work without a hand's
 * help, and what is acknowledged from then on must survive a kill.
 */
export const full: Nemesis = {
  name: 'full',
  rounds: { short: 3, ci: 6, long: 20 },
  missing: loopDiskMissing,
  async play(stage) {
    for (let round = 0; stage.more(); round++) {
      const ground = GROUNDS[round % GROUNDS.length] ?? GROUNDS[0];
      const place = await stage.place();
      await using disk = await ground.make(place.dir);
      await using arena = await Arena.open(place);
      await arena.start();
      await stage.round(arena, async () => {
        await arena.beginLoad();
        await sleep(stage.rng.int(50, 400));
        {
          await using _filler = await ground.fill(disk.path);
          await sleep(stage.rng.int(200, 800));
          report(
            arena,
            `${ground.name} full`,
            (await arena.endLoad()).filter(({ kind }) => !CLEAN.has(kind)),
          );
        }
        await arena.recovered();
        await arena.beginLoad();
        await sleep(600);
        report(arena, `${ground.name}, room again`, await arena.endLoad());
        await arena.kill();
        await arena.start();
      });
    }
  },
};

function report(arena: Arena, when: string, failures: readonly Failure[]): void {
  for (const { kind, message } of failures)
    arena.report({ rule: 'refused', message: `${when}: ${kind}: ${message}` });
}

async function ext4(dir: string, format: readonly string[]): Promise<LoopDisk> {
  const disk = await LoopDisk.make({ dir, sizeBytes: SIZE_BYTES, format });
  await disk.mount();
  return disk;
}

async function tmpfs(dir: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = join(dir, 'root');
  await mkdir(path);
  await must('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'stowage-faults', path]);
  return { path, [Symbol.asyncDispose]: async () => void (await must('umount', [path])) };
}
