import type { Command } from 'commander';

export function addVersionCommand(program: Command): void {
  program
    .command('version')
    .description('show the versions of this tool and of the daemon')
    .addHelpText(
      'after',
      '\nExamples:\n  stowage version\n  stowage -a /run/containerd/containerd.sock version',
    )
    .action(async (_: object, command: Command) => {
      const { showVersion } = await import('../actions/version.ts');
      await showVersion(command, program.version() ?? '');
    });
}
