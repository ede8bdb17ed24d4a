import type { Command } from 'commander';
import { withFormatOption } from './format-options.ts';

const EXAMPLES = `
Examples:
  stowage version
  stowage -a /run/containerd/containerd.sock version
  stowage version --format '{{.Server.Version}}'`;

export function addVersionCommand(program: Command): void {
  withFormatOption(program.command('version'), 'text')
    .description('show the versions of this tool and of the daemon')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: { format: string }, command: Command) => {
      const { showVersion } = await import('../actions/version.ts');
      await showVersion(command, program.version() ?? '', flags);
    });
}
