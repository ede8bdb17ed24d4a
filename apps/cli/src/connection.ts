import { Client } from '@stowage/client';
import type { Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';
import { openTransport } from './transport.ts';

/** The client of one command; of another namespace than the one that was asked for, if it is given. */
export function open(command: Command, other?: string): Client {
  const { namespace } = command.optsWithGlobals<GlobalOptions>();
  const transport = openTransport(command);
  return new Client(transport, { namespace: other ?? namespace }, () => transport[Symbol.asyncDispose]());
}
