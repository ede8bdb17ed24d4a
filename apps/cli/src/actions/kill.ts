import { Fault } from '@stowage/core';
import type { Command } from 'commander';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { parseSignal } from '../signal.ts';

/** @returns the exit code: not 0 if any does not run. */
export async function kill(command: Command, ids: readonly string[], text: string): Promise<number> {
  const number = parseSignal(text);
  await using client = open(command);
  return await eachOf(ids, async (id) => {
    await client.container(id);
    const task = await client.task(id);
    const { status } = await task.status();
    if (status === 'stopped' || status === 'created')
      throw new Fault('failed_precondition', `kill ${id}: it does not run; it is ${status}`);
    await task.kill(number);
    process.stdout.write(`${id}\n`);
  });
}
