import { Client, connect } from '@stowage/client';
import type { Command } from 'commander';
import { EmbeddedTransport } from './embedded.ts';
import type { GlobalOptions } from './global-options.ts';

/** The client of one command; of another namespace than the one that was asked for, if it is given. */
export function open(command: Command, other?: string): Client {
  const { address, namespace, embedded, root } = command.optsWithGlobals<GlobalOptions>();
  const scope = { namespace: other ?? namespace };
  if (embedded !== true) return connect(address, scope);
  const transport = new EmbeddedTransport(root);
  return new Client(transport, scope, () => transport[Symbol.asyncDispose]());
}
