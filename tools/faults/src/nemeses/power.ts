import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Arena } from '../arena.ts';
import { LoopDisk, loopDiskMissing } from '../ground/loop-disk.ts';
import { cutPower } from '../ground/power.ts';
import type { Nemesis } from './nemesis.ts';

/** How often ext4 writes by itself what nobody synced. */
const MOUNT_OPTIONS = [[], ['commit=1'], ['commit=5'], ['commit=30']];

/** What a daemon may say of a file system that is off. */
const NO_POWER = /EROFS|EIO/;

/** A power cut at a random moment of the load: everything that was not synced is gone. */
export const power: Nemesis = {
  name: 'power',
  rounds: { short: 5, ci: 30, long: 300 },
  missing: loopDiskMissing,
  async play(stage) {
    const { rng } = stage;
    const place = await stage.place();
    await using disk = await LoopDisk.make({ dir: place.dir, sizeBytes: 512 * 1024 ** 2 });
    const mount = () => disk.mount(rng.pick(MOUNT_OPTIONS));
    await mount();
    await using arena = await Arena.open({ ...place, unsynced: true });
    await arena.start();
    while (stage.more()) {
      await stage.round(arena, async () => {
        await arena.beginLoad();
        await sleep(rng.int(20, 800));
        const from = Date.now();
        await cutPower(disk.path);
        const cut = { from, to: Date.now() };
        if (rng.chance(0.5)) await sleep(rng.int(0, 30));
        await arena.kill();
        await arena.endLoad(NO_POWER, cut);
        await disk.unmount();
        await rm(arena.daemon.state, { recursive: true, force: true });
        await mount();
        if (rng.chance(0.1)) await arena.runCheck();
        if (rng.chance(0.2)) await arena.startAndKill(rng.int(50, 450));
        await arena.start();
      });
    }
  },
};
