import type { IoOptions, ProcessHandle } from '@stowage/client';
import { followSize, forwardSignals, rawTerminal } from '../terminal.ts';

export interface Attendance {
  readonly interactive: boolean;
  readonly tty: boolean;
}

/** Our own standard streams, for a process. */
export function ownStreams({ interactive, tty }: Attendance): IoOptions {
  return {
    terminal: tty,
    stdout: process.stdout,
    ...(!tty && { stderr: process.stderr }),
    ...(interactive && { stdin: process.stdin }),
  };
}

/** Starts a process and stays with it to its end. @returns its exit code. */
export async function attend(
  handle: ProcessHandle,
  how: Attendance,
  { signal, started }: { readonly signal: AbortSignal; readonly started: () => void },
): Promise<number> {
  const finished = handle.finished();
  // Heard below, if the start succeeds.
  finished.catch(() => undefined);
  // Without anybody who hands on keys, a raw terminal would be deaf to Ctrl-C.
  using _raw = how.tty && how.interactive && process.stdin.isTTY ? await rawTerminal() : undefined;
  await handle.start({ signal });
  started();
  using _signals = forwardSignals(handle);
  using _size = how.tty ? followSize(handle) : undefined;
  const { exitStatus } = await finished;
  return exitStatus;
}
