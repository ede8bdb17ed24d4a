import { randomBytes } from 'node:crypto';
import type { Client } from '@stowage/client';
import { type CallOptions, Fault } from '@stowage/core';
import { overrideEnv, type Process, parseSpec } from '@stowage/oci-spec';
import type { Command } from 'commander';
import type { ExecFlags } from '../commands/exec.ts';
import { open } from '../connection.ts';
import { running } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { attend, ownStreams } from './attend.ts';
import { environmentOf } from './environment.ts';

export function exec(command: Command, id: string, args: string[], flags: ExecFlags): Promise<number> {
  return running(async () => {
    await using client = open(command);
    using interrupt = interruptible();
    const { signal } = interrupt;
    const process_ = await processLike(client, id, args, flags, { signal });
    await using task = await client.task(id, { signal });
    await using added = await task.exec({
      execId: randomBytes(6).toString('hex'),
      process: process_,
      io: ownStreams(flags).io,
      signal,
    });
    const exit = await attend(added, flags, { signal, started: () => interrupt[Symbol.dispose]() });
    return exit === 'detached' ? 0 : exit;
  });
}

/** A process with the rights and surroundings of the container's own. */
async function processLike(
  client: Client,
  id: string,
  args: readonly string[],
  { env, tty, workdir }: ExecFlags,
  options: CallOptions,
): Promise<Process> {
  const { spec } = await (await client.container(id, options)).info(options);
  const base = spec && parseSpec(spec).process;
  if (!base) throw new Fault('failed_precondition', `exec in ${id}: its spec has no process to take after`);
  const { consoleSize: _, ...same } = base;
  return {
    ...same,
    args: [...args],
    env: overrideEnv([...(tty ? ['TERM=xterm'] : []), ...(base.env ?? [])], environmentOf(env)),
    cwd: workdir ?? base.cwd,
    terminal: tty,
  };
}
