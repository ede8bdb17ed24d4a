import type { Transport } from '@connectrpc/connect';
import { unixTransport } from '@stowage/rpc/transport';
import type { Command } from 'commander';
import { EmbeddedTransport } from './embedded.ts';
import type { GlobalOptions } from './global-options.ts';

/** To the daemon, or the engine, that the command line names. It dials, or starts, with the first call. */
export function openTransport(command: Command): Transport & AsyncDisposable {
  const { address, embedded, root } = command.optsWithGlobals<GlobalOptions>();
  return embedded === true ? new EmbeddedTransport(root) : unixTransport(address);
}
