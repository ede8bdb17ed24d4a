import type { Command } from 'commander';

/** Where every command goes; from flags or the environment. */
export interface GlobalOptions {
  readonly address: string;
  readonly namespace: string;
  /** No daemon: an engine in this process, on `root`. */
  readonly embedded?: boolean;
  readonly root: string;
}

const DEFAULT_ADDRESS = '/run/stowage/stowage.sock';
const DEFAULT_ROOT = '/var/lib/stowage-embedded';

/** Adds `--address`, `--namespace` and `--embedded`. The environment's names are containerd's, so that both tools agree. */
export function withGlobalOptions(program: Command): Command {
  const { STOWAGE_ADDRESS, CONTAINERD_ADDRESS, CONTAINERD_NAMESPACE, STOWAGE_ROOT } = process.env;
  return program
    .option(
      '-a, --address <socket>',
      'socket of stowaged or containerd (STOWAGE_ADDRESS, CONTAINERD_ADDRESS)',
      STOWAGE_ADDRESS || CONTAINERD_ADDRESS || DEFAULT_ADDRESS,
    )
    .option('-n, --namespace <name>', 'namespace (CONTAINERD_NAMESPACE)', CONTAINERD_NAMESPACE || 'default')
    .option('--embedded', 'need no daemon: work in this process, on a root of its own')
    .option('--root <directory>', 'that root (STOWAGE_ROOT)', STOWAGE_ROOT || DEFAULT_ROOT);
}
