import { Argument, type Command } from 'commander';

const EXAMPLES = `
Examples:
  source <(stowage completion bash)      for this shell; in ~/.bashrc for all
  stowage completion bash > /etc/bash_completion.d/stowage
  stowage completion zsh > "\${fpath[1]}/_stowage"
  stowage completion fish > ~/.config/fish/completions/stowage.fish

It completes commands, options and the names of what there is: containers, images, snapshots, namespaces, leases, operations
and blobs. Without a daemon there are no names.`;

export function addCompletionCommands(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'for which shell').choices(['bash', 'zsh', 'fish']))
    .description('print what has a shell complete command lines')
    .addHelpText('after', EXAMPLES)
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { SCRIPTS } = await import('../complete/scripts.ts');
      process.stdout.write(SCRIPTS[shell]);
    });

  // Of the scripts.
  program
    .command('__complete [words...]', { hidden: true })
    .passThroughOptions()
    .action(async (words: string[]) => {
      const { complete } = await import('../actions/complete.ts');
      await complete(words);
    });
}
