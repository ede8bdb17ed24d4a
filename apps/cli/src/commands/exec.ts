import type { Command } from 'commander';
import { envOption } from './container-options.ts';
import { exitAsTool } from './run.ts';

export interface ExecFlags {
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly env: string[];
  readonly workdir?: string;
}

const EXAMPLES = `
Examples:
  stowage exec web ps
  stowage exec -it web sh
  stowage exec -w /tmp -e DEBUG=1 web sh -c 'echo $DEBUG; pwd'

User, environment and directory are those of the container's own program, where no option says otherwise.
It ends with the program's exit code; 125 if it could not be run, 126 if it is not executable, 127 if there is none.`;

export function addExecCommand(program: Command): void {
  program
    .command('exec <container> <command...>')
    .description('run one more program in a container')
    .passThroughOptions()
    .exitOverride(exitAsTool)
    .option('-i, --interactive', 'hand on standard input', false)
    .option('-t, --tty', 'give it a terminal', false)
    .addOption(envOption())
    .option('-w, --workdir <dir>', 'working directory')
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, args: string[], flags: ExecFlags, command: Command) => {
      const { exec } = await import('../actions/exec.ts');
      process.exitCode = await exec(command, id, args, flags);
    });
}
