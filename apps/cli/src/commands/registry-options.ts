import { type Command, Option } from 'commander';

/** How a registry is reached; the same for all commands that talk to one. */
export interface RegistryFlags {
  readonly hostsDir?: string;
  readonly plainHttp?: boolean;
  readonly insecureSkipVerify?: boolean;
}

/** How it is shown what is going on. */
export interface ProgressFlags {
  readonly quiet: boolean;
  readonly progress: 'auto' | 'plain' | 'json';
}

export function withRegistryOptions(command: Command): Command {
  return command
    .option(
      '--hosts-dir <dir>',
      'mirrors and certificates, in the form of hosts.toml (default: /etc/containerd/certs.d)',
    )
    .option('--plain-http', 'speak HTTP to a registry that is not on loopback')
    .option('--insecure-skip-verify', 'take any certificate; whoever is between may see and change all');
}

export function withProgressOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--progress <how>', 'bars on a terminal, plain lines, or lines of JSON')
        .choices(['auto', 'plain', 'json'])
        .default('auto'),
    )
    .option('-q, --quiet', 'print nothing but the digest', false);
}
