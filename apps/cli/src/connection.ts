import { type Client, connect } from '@stowage/client';
import type { Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';

/** The client of one command; of another namespace than the one that was asked for, if it is given. */
export function open(command: Command, other?: string): Client {
  const { address, namespace } = command.optsWithGlobals<GlobalOptions>();
  return connect(address, { namespace: other ?? namespace });
}
