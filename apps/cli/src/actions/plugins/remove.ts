import { Fault } from '@stowage/core';
import type { Command } from 'commander';
import { open } from '../../connection.ts';
import { report } from '../../failure.ts';
import { interruptible } from '../../interrupt.ts';
import { ifSupported } from './unsupported.ts';

/** @returns the exit code: 1 if any of them could not be removed. */
export async function removePlugins(command: Command, names: readonly string[]): Promise<number> {
  await using client = open(command);
  using interrupt = interruptible();
  let exitCode = 0;
  for (const name of names) {
    try {
      await ifSupported(client.services.proxyPlugins.remove(name, { signal: interrupt.signal }));
      process.stdout.write(`${name}\n`);
    } catch (e) {
      // The next one fares no better.
      if (!Fault.is(e, 'not_found') && !Fault.is(e, 'failed_precondition')) throw e;
      exitCode = report(e);
    }
  }
  return exitCode;
}
