import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Arena } from '../arena.ts';
import { type Injection, Strace, straceMissing } from '../ground/strace.ts';
import type { Rng } from '../rng.ts';
import type { Nemesis } from './nemesis.ts';

const CALLS = ['write', 'pwrite64', 'fdatasync', 'fsync', 'rename', 'openat', 'mkdir', 'pread64'];
/** How long the clients try to come upon a failing call. */
const PATIENCE_MS = 2500;

/**
 * The nth system call of some name fails with EIO, of a daemon under load, or of one that starts. It may refuse work, it
 * may end; what it acknowledged must be there at the next start.
 */
export const eio: Nemesis = {
  name: 'eio',
  rounds: { short: 6, ci: 24, long: 64 },
  missing: straceMissing,
  async play(stage) {
    const { rng } = stage;
    const place = await stage.place();
    await using arena = await Arena.open(place);
    await arena.start();
    for (let round = 0; stage.more(); round++) {
      const injection = choose(rng, round);
      const log = join(place.dir, 'strace.log');
      await stage.round(arena, async () => {
        if (rng.chance(0.25)) await failingStart(arena, injection, log);
        else await failingWork(arena, injection, log);
        if (rng.chance(0.5)) await arena.kill();
        else await arena.daemon.stop();
        await arena.start();
        // A disk that fails again and again is taken at its word; this one is well again.
        await arena.verifyContent();
      });
    }
  },
};

function choose(rng: Rng, round: number): Injection {
  const call = CALLS[round % CALLS.length] ?? 'write';
  const when = `${rng.int(1, 60)}${rng.chance(0.2) ? '+' : ''}`;
  return { calls: [call], instead: 'error=EIO', when };
}

async function failingWork(arena: Arena, injection: Injection, log: string): Promise<void> {
  await arena.beginLoad();
  {
    await using strace = await Strace.attach(arena.daemon.pid, injection, log);
    const deadline = performance.now() + PATIENCE_MS;
    while ((await strace.injected()) === 0 && performance.now() < deadline) await sleep(20);
    await sleep(200);
  }
  await arena.endLoad();
}

async function failingStart(arena: Arena, injection: Injection, log: string): Promise<void> {
  await arena.beginLoad();
  await sleep(100);
  await arena.kill();
  await arena.endLoad();
  // That it fails is its good right.
  const started = arena.daemon.start().catch(() => undefined);
  try {
    await using _strace = await Strace.attach(arena.daemon.pid, injection, log);
    await Promise.race([started, sleep(PATIENCE_MS)]);
  } catch (e) {
    // It had ended before it could be held.
    if (arena.daemon.pid !== 0 && !(e as Error).message.includes('does not hold')) throw e;
  }
  await arena.kill();
  await started;
}
