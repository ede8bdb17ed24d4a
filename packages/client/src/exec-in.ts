import { randomBytes } from 'node:crypto';
import { type CallOptions, Fault } from '@stowage/core';
import { overrideEnv, type Process, parseSpec } from '@stowage/oci-spec';
import type { ContainerHandle } from './container.ts';
import type { IoOptions } from './process-io.ts';
import { RunningProcess } from './running-process.ts';
import type { TaskHandle } from './task.ts';

export interface ExecInOptions extends CallOptions {
  readonly args: readonly string[];
  /** `NAME=value`, over the container's own; `NAME` alone takes one away. */
  readonly env?: readonly string[] | undefined;
  /** Default: that of the container's own process. */
  readonly cwd?: string | undefined;
  readonly io?: IoOptions | undefined;
  /** Default: a random one. */
  readonly execId?: string | undefined;
  /** What else is to be different from the container's own process, such as `user` by ids. */
  readonly process?: Partial<Process> | undefined;
}

/**
 * Starts one more process in a container that runs, with the rights and surroundings of the container's own.
 *
 * @throws Fault `failed_precondition` if the container does not run; `unknown` with the runtime's own words if the program
 *   can't be started. Nothing is left then, nor after an abort.
 */
export async function execIn(
  container: ContainerHandle,
  task: TaskHandle,
  options: ExecInOptions,
): Promise<RunningProcess> {
  const { args, env = [], cwd, io, execId = randomBytes(6).toString('hex'), signal } = options;
  const { spec } = await container.info({ signal });
  const base = spec && parseSpec(spec).process;
  if (!base)
    throw new Fault('failed_precondition', `exec in ${container.id}: its spec has no process to take after`);
  const { consoleSize: _, ...same } = base;
  const terminal = io?.terminal === true;
  const process: Process = {
    ...same,
    args: [...args],
    env: overrideEnv([...(terminal ? ['TERM=xterm'] : []), ...(base.env ?? [])], [...env]),
    cwd: cwd ?? base.cwd,
    ...options.process,
    terminal,
  };
  return RunningProcess.start(await task.exec({ execId, process, io, signal }), { signal });
}
