import type { Stdio } from '@stowage/runtime';
import type { SupervisorContext } from './context.ts';
import { type IoOwner, PlainIO } from './plain-io.ts';
import type { ProcessIO } from './process-io.ts';
import { TerminalIO } from './terminal-io.ts';

/** Opens the streams of a process that is about to be made. */
export function openIO(
  stdio: Stdio,
  owner: IoOwner,
  { poller, consolePath }: Pick<SupervisorContext, 'poller' | 'consolePath'>,
): Promise<ProcessIO> {
  return stdio.terminal ? TerminalIO.open(stdio, consolePath(), poller) : PlainIO.open(stdio, owner);
}

/**
 * The streams of a process that an earlier supervisor started. Its FIFOs are found again; the master of its terminal
 * was lost with that supervisor, and the kernel has hung the terminal up.
 */
export function adoptIO(stdio: Stdio, stdinClosed: boolean): Promise<ProcessIO> {
  const { terminal, ...plain } = stdio;
  const none = { stdin: '', stdout: '', stderr: '' };
  return PlainIO.adopt({ ...(terminal ? none : plain), terminal: false }, stdinClosed);
}
