import type { ProcessHandle } from '@stowage/client';

/**
 * Gives this terminal to a process: its size whenever that changes, and with `raw` every key. Disposing gives it back.
 */
export function attachTerminal(handle: ProcessHandle, { raw }: { readonly raw: boolean }): Disposable {
  const { stdin, stdout } = process;
  const resize = () => {
    const { columns, rows } = stdout;
    if (columns > 0 && rows > 0) handle.resize(columns, rows).catch(toldByItsEnd);
  };
  // Without anybody who hands on keys, a raw terminal would be deaf to Ctrl-C.
  const keys = raw && stdin.isTTY;
  if (keys) stdin.setRawMode(true);
  stdout.on('resize', resize);
  resize();
  return {
    [Symbol.dispose]() {
      stdout.off('resize', resize);
      if (keys) stdin.setRawMode(false);
    },
  };
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
