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
