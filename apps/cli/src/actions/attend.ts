import type { IoOptions, ProcessHandle } from '@stowage/client';
import { DetachKeys } from '../detach-keys.ts';
import { followSize, forwardSignals, rawTerminal } from '../terminal.ts';

export interface Attendance {
  readonly interactive: boolean;
  readonly tty: boolean;
  /** If they are given, they let go of a terminal when they are pressed. */
  readonly keys?: Buffer | undefined;
}

/** Our own standard streams, for a process. Disposing lets go of the input. */
export interface OwnStreams extends Disposable {
  readonly io: IoOptions;
  /** Settles when the keys were pressed. */
  readonly detached: Promise<void> | undefined;
}

export function ownStreams({ interactive, tty, keys }: Attendance): OwnStreams {
  const { stdin, stdout, stderr } = process;
  const watched = interactive && tty && keys !== undefined ? stdin.pipe(new DetachKeys(keys)) : undefined;
  return {
    io: {
      terminal: tty,
      stdout,
      ...(!tty && { stderr }),
      ...(interactive && { stdin: watched ?? stdin }),
    },
    detached: watched?.pressed,
    [Symbol.dispose]() {
      if (watched !== undefined) stdin.unpipe(watched).pause();
    },
  };
}

/** Starts a process and stays with it to its end. @returns its exit code, or that it was left running. */
export async function attend(
  handle: ProcessHandle,
  how: Attendance & { readonly streams?: OwnStreams },
  { signal, started }: { readonly signal: AbortSignal; readonly started: () => void },
): Promise<number | 'detached'> {
  const finished = handle.finished();
  // Heard below, if the start succeeds.
  finished.catch(() => undefined);
  // Without anybody who hands on keys, a raw terminal would be deaf to Ctrl-C.
  using _raw = how.tty && how.interactive && process.stdin.isTTY ? await rawTerminal() : undefined;
  await handle.start({ signal });
  started();
  using _signals = forwardSignals(handle);
  using _size = how.tty ? followSize(handle) : undefined;
  return await untilEnd(handle, finished, how.streams);
}

/** Stays with a process that runs. */
export async function untilEnd(
  handle: ProcessHandle,
  finished: ReturnType<ProcessHandle['finished']>,
  streams: OwnStreams | undefined,
): Promise<number | 'detached'> {
  const left = streams?.detached?.then(() => undefined);
  const exit = await (left === undefined ? finished : Promise.race([finished, left]));
  if (exit !== undefined) return exit.exitStatus;
  handle.leave();
  process.stderr.write(
    `\r\nstowage: ${handle.containerId} runs on; see it again with: stowage attach ${handle.containerId}\r\n`,
  );
  return 'detached';
}
