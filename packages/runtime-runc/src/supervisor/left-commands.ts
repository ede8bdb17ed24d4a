import { readdir, readFile } from 'node:fs/promises';
import { hasCode } from '@stowage/linux';
import type { Reaper } from './reaper.ts';

/** How long a command of a dead supervisor may go on before it is killed. */
const PATIENCE_MS = 10_000;

/**
 * Waits for runtime commands that a supervisor left at work when it died, since what they will have done can only be
 * told, or undone, once they have ended. They are known by the log that they were given.
 */
export async function awaitCommands(log: string, reaper: Reaper): Promise<void> {
  const pids = await pidsWithArgument(log);
  await Promise.all(pids.map((pid) => awaitEnd(pid, reaper)));
}

async function awaitEnd(pid: number, reaper: Reaper): Promise<void> {
  try {
    const { exited } = reaper.watch(pid);
    const timer = setTimeout(() => process.kill(pid, 'SIGKILL'), PATIENCE_MS);
    await exited.finally(() => clearTimeout(timer));
  } catch (e) {
    if (!hasCode(e, 'ESRCH')) throw e;
  }
}

async function pidsWithArgument(argument: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return args.split('\0').includes(argument);
    }),
  );
  return pids.filter((_, i) => found[i]).map(Number);
}
