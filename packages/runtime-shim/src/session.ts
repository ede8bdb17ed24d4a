import { readdir, readFile } from 'node:fs/promises';
import { errnoOf } from '@stowage/core';

/** Kills all processes of a session. For what a program left running that was started with one of its own. */
export async function endSession(session: number): Promise<void> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || (await sessionOf(name)) !== session) continue;
    try {
      process.kill(Number(name), 'SIGKILL');
    } catch (e) {
      if (errnoOf(e) !== 'ESRCH') throw e;
    }
  }
}

async function sessionOf(pid: string): Promise<number | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The command before may hold blanks and parentheses: proc_pid_stat(5).
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
  } catch (e) {
    if (['ENOENT', 'ESRCH'].includes(errnoOf(e) ?? '')) return undefined;
    throw e;
  }
}
