import { type Client, connect } from '@stowage/client';
import type { Command } from 'commander';

/** Where every command goes; from flags or the environment. */
export interface GlobalOptions {
  readonly address: string;
  readonly namespace: string;
}

const DEFAULT_ADDRESS = '/run/stowage/stowage.sock';

/** Adds `--address` and `--namespace`. The environment's names are containerd's, so that both tools agree. */
export function withGlobalOptions(program: Command): Command {
  const { STOWAGE_ADDRESS, CONTAINERD_ADDRESS, CONTAINERD_NAMESPACE } = process.env;
  return program
    .option(
      '-a, --address <socket>',
      'socket of stowaged or containerd (STOWAGE_ADDRESS, CONTAINERD_ADDRESS)',
      STOWAGE_ADDRESS || CONTAINERD_ADDRESS || DEFAULT_ADDRESS,
    )
    .option('-n, --namespace <name>', 'namespace (CONTAINERD_NAMESPACE)', CONTAINERD_NAMESPACE || 'default');
}

/** The client of one command. */
export function open(command: Command): Client {
  const { address, namespace } = command.optsWithGlobals<GlobalOptions>();
  return connect(address, { namespace });
}

/** Fires at Ctrl-C, once; a second Ctrl-C ends the process at once. */
export function interruptSignal(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Interrupted()));
  process.once('SIGTERM', () => stop.abort(new Interrupted()));
  return stop.signal;
}

/** Somebody pressed Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor() {
    super('interrupted');
  }

  static is(e: unknown): e is Interrupted {
    return (e as Partial<Error> | null)?.name === 'Interrupted';
  }
}
