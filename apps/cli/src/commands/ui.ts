import type { Command } from 'commander';

export interface UiFlags {
  readonly listen: string;
  readonly open: boolean;
}

const EXAMPLES = `
Examples:
  stowage ui
  stowage ui --open
  stowage -n k8s.io ui --listen 127.0.0.1:8080
  ssh -L 8080:127.0.0.1:8080 host sudo stowage ui --listen 127.0.0.1:8080

It prints an address with a token in it: whoever has that may do all that the daemon's socket allows, until this command is
ended. It speaks plain HTTP, so of another machine reach it through ssh, as above.`;

export function addUiCommand(program: Command): void {
  program
    .command('ui')
    .description('serve a page that shows all this live, in a browser')
    .option('--listen <address>', 'IP address and port', '127.0.0.1:0')
    .option('--open', 'open it in the browser of this desktop', false)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: UiFlags, command: Command) => {
      const { ui } = await import('../actions/ui.ts');
      await ui(command, flags);
    });
}
