import { setTimeout as sleep } from 'node:timers/promises';
import { Arena } from '../arena.ts';
import type { Nemesis } from './nemesis.ts';

/** SIGKILL at a random moment of the load, and of the start after it. Rounds go on with the state of those before. */
export const kill: Nemesis = {
  name: 'kill',
  rounds: { short: 20, ci: 100, long: 500 },
  missing: async () => undefined,
  async play(stage) {
    const { rng } = stage;
    await using arena = await Arena.open(await stage.place());
    await arena.start();
    while (stage.more()) {
      await stage.round(arena, async () => {
        await arena.beginLoad();
        await sleep(rng.int(5, 500));
        await arena.kill();
        await arena.endLoad();
        if (rng.chance(0.1)) await arena.runCheck();
        while (rng.chance(0.25)) await arena.startAndKill(rng.int(50, 450));
        await arena.start();
      });
    }
  },
};
