import type { ProcessHandle } from '@stowage/client';
import { Fault } from '@stowage/core';

/** Gives this terminal to a process: raw input, and its size whenever it changes. Disposing gives it back. */
export function attachTerminal(process_: ProcessHandle): Disposable {
  const { stdin, stdout } = process;
  const resize = () => {
    const { columns, rows } = stdout;
    if (columns > 0 && rows > 0) process_.resize(columns, rows).catch(unlessGone);
  };
  if (stdin.isTTY) stdin.setRawMode(true);
  stdout.on('resize', resize);
  resize();
  return {
    [Symbol.dispose]() {
      stdout.off('resize', resize);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.unref();
    },
  };
}

/** Hands signals on to a process until disposed. */
export function forwardSignals(process_: ProcessHandle): Disposable {
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const).map((signal) => {
    const handler = () => void process_.kill(signal).catch(unlessGone);
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return {
    [Symbol.dispose]() {
      for (const off of handlers) off();
    },
  };
}

function unlessGone(e: unknown): void {
  if (!Fault.is(e, 'not_found') && !Fault.is(e, 'failed_precondition')) throw e;
}
