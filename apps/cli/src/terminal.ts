import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ProcessHandle } from '@stowage/client';

/**
 * Makes every key of this terminal, and every byte for it, pass as it is. Disposing gives the terminal back as it was,
 * as does the end of this process.
 *
 * A raw terminal of Node's still returns to the first column at each line feed, which garbles what draws on it: libuv
 * leaves that on. So the program stty is run too; without it, all but drawing works.
 */
export async function rawTerminal(): Promise<Disposable> {
  const { stdin } = process;
  stdin.setRawMode(true);
  const stty = spawn('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  await once(stty, 'close').catch(() => undefined);
  return { [Symbol.dispose]: () => void stdin.setRawMode(false) };
}

/** Tells a process the size of this terminal, now and whenever it changes, until disposed. */
export function followSize(handle: ProcessHandle): Disposable {
  const { stdout } = process;
  const resize = () => {
    const { columns, rows } = stdout;
    if (columns > 0 && rows > 0) handle.resize(columns, rows).catch(toldByItsEnd);
  };
  stdout.on('resize', resize);
  resize();
  return { [Symbol.dispose]: () => void stdout.off('resize', resize) };
}

/** This many Ctrl-C end even a program that does not listen, as the first process of a container often does not. */
const PATIENCE = 3;

/** Hands signals on to a process until disposed. */
export function forwardSignals(handle: ProcessHandle): Disposable {
  let interrupts = 0;
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const).map((signal) => {
    const handler = () => {
      if (signal === 'SIGINT') interrupts++;
      if (interrupts === PATIENCE - 1) process.stderr.write('stowage: once more to kill it\n');
      handle.kill(interrupts >= PATIENCE ? 'SIGKILL' : signal).catch(toldByItsEnd);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return {
    [Symbol.dispose]() {
      for (const off of handlers) off();
    },
  };
}

/** Whoever waits for the process is told that it, or the daemon, has gone. */
function toldByItsEnd(): void {}
