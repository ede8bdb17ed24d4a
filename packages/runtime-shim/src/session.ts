import { readdir } from 'node:fs/promises';
import { errnoOf } from '@stowage/core';
import { processStat } from '@stowage/linux/reap';

/** Kills all processes of a session. For what a program left running that was started with one of its own. */
export async function endSession(session: number): Promise<void> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || processStat(Number(name))?.session !== session) continue;
    try {
      process.kill(Number(name), 'SIGKILL');
    } catch (e) {
      if (errnoOf(e) !== 'ESRCH') throw e;
    }
  }
}
