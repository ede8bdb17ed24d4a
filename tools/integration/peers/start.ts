import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { end } from '@stowage/testing';

/** One of the programs beside this, in a process of its own. */
export interface Peer extends AsyncDisposable {
  /** Stops it as it is, as if it were slow. */
  freeze(): void;
  /** Ends it without a chance to say so. */
  kill(): Promise<void>;
}

/** @returns once it serves. */
export async function startPeer(name: string, args: readonly string[]): Promise<Peer> {
  const file = join(import.meta.dirname, `${name}.ts`);
  const flags = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${name} ended with ${code}`);
  });
  await Promise.race([once(child.stdout, 'data'), failed]);
  failed.catch(() => undefined);
  return {
    freeze: () => void child.kill('SIGSTOP'),
    kill: () => end(child, 'SIGKILL'),
    [Symbol.asyncDispose]: () => end(child),
  };
}
