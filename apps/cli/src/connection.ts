import { type Client, connect } from '@stowage/client';
import type { Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';

/** The client of one command. */
export function open(command: Command): Client {
  const { address, namespace } = command.optsWithGlobals<GlobalOptions>();
  return connect(address, { namespace });
}
