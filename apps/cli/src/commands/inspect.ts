import { type Command, Option } from 'commander';

export interface InspectFlags {
  readonly type?: 'container' | 'image';
  readonly platform?: string;
  readonly format?: string;
}

const EXAMPLES = `
Examples:
  stowage inspect web
  stowage inspect --type image busybox | jq '.[0].config.cmd'
  stowage inspect -f '{{.Task.Pid}} {{json .Labels}}' web

It prints a list in JSON. What is the name of a container is one, unless --type says otherwise.`;

export function addInspectCommand(program: Command): void {
  program
    .command('inspect <name...>')
    .description('show all that is known of containers and images, as JSON')
    .addOption(new Option('--type <type>', 'what to look for').choices(['container', 'image']))
    .option('--platform <os/arch>', 'of an image, for which platform')
    .option('-f, --format <how>', "json for a line of each, or a template such as '{{.Task.Pid}}'")
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], flags: InspectFlags, command: Command) => {
      const { inspect } = await import('../actions/inspect.ts');
      process.exitCode = await inspect(command, names, flags);
    });
}
