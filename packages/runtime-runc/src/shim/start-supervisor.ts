import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault, silentLogger } from '@stowage/core';
import { tryLock } from '@stowage/linux';
import { launchSupervisor, supervisorNames } from '../daemon/launch.ts';
import { removeDead, removePrograms } from '../daemon/leftovers.ts';
import { supervisorProgram } from '../daemon/program.ts';
import { layout } from '../layout.ts';
import { findTasks } from './find.ts';

const PATIENCE_MS = 20_000;
const RETRY_MS = 20;
const DEFAULT_IDLE_SECONDS = 300;

export interface StartOptions {
  readonly state: string;
  readonly namespace: string;
  /** containerd's ttrpc socket. */
  readonly containerd: string;
}

/**
 * The address for the tasks of a namespace at the supervisor of a state directory: started now, or by another who had
 * the same in mind. One that just ends, or a removal of what a dead one left, is waited for.
 */
export async function startSupervisor({ state, namespace, containerd }: StartOptions): Promise<string> {
  await mkdir(state, { recursive: true, mode: 0o700 });
  for (const giveUp = performance.now() + PATIENCE_MS; ; await delay(RETRY_MS)) {
    using alone = tryLock(join(state, 'start.lock'));
    if (alone === undefined) {
      if (performance.now() > giveUp)
        throw new Fault('unavailable', 'start supervisor: others take too long');
      continue;
    }
    const found = await findTasks(state, namespace);
    if (found !== undefined) return found;
    try {
      const binary = 'runc';
      const shim = { containerd, idleMs: idleMs() };
      const runtimeRoot = layout(state).runtime;
      const program = await supervisorProgram();
      for (const name of await supervisorNames(state))
        if (name !== program.build) await removeDead(state, name);
      await removePrograms(state, program.build);
      await launchSupervisor({ state, program, binary, runtimeRoot, shim, log: silentLogger });
    } catch (e) {
      if (!Fault.is(e, 'unavailable') || performance.now() > giveUp) throw e;
    }
  }
}

function idleMs(): number {
  const text = process.env.STOWAGE_SHIM_IDLE_SECONDS || String(DEFAULT_IDLE_SECONDS);
  const seconds = Number(text);
  if (!(seconds > 0)) {
    throw new Fault('invalid_argument', `STOWAGE_SHIM_IDLE_SECONDS=${text}: must be a number above 0`);
  }
  return seconds * 1000;
}
