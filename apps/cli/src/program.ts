import { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { COMMAND_FILES, type CommandFile } from './command-table.ts';
import { withGlobalOptions } from './global-options.ts';

const EXAMPLES = `
Examples:
  stowage pull busybox
  stowage run --rm busybox echo hello
  stowage run -it --rm busybox sh
  stowage ps -a

stowage COMMAND --help shows the options of one command, with examples.`;

/** The tool with all its commands. */
export function wholeProgram(): Promise<Command> {
  return programOf(COMMAND_FILES);
}

/**
 * The tool with just the command that a command line names, as defining all takes longer than many commands do. With
 * all of them if it names none that there is, for help and errors tell of others too.
 */
export async function programFor(args: readonly string[]): Promise<Command> {
  const [first, name] = wordsOf(args);
  if (first === '-v' || first === '--version') return await programOf([]);
  const found = COMMAND_FILES.filter(({ names }) => name !== undefined && names.includes(name));
  return await (found.length > 0 ? programOf(found) : wholeProgram());
}

async function programOf(files: readonly CommandFile[]): Promise<Command> {
  const program = withGlobalOptions(new Command('stowage'))
    .description('Images and containers, for people. Talks to stowaged or containerd.')
    .version(manifest.version, '-v, --version')
    .enablePositionalOptions()
    .showHelpAfterError('(stowage --help shows what there is)')
    .addHelpText('after', EXAMPLES);
  for (const add of await Promise.all(files.map(({ load }) => load()))) add(program);
  return program;
}

/** The first option that is none of the tool's own, and the first word that is no option, if they are there. */
function wordsOf(args: readonly string[]): readonly [option: string | undefined, name: string | undefined] {
  const silent = { writeErr() {} };
  const reader = withGlobalOptions(new Command()).passThroughOptions().exitOverride().configureOutput(silent);
  try {
    const { operands, unknown } = reader.parseOptions([...args]);
    return [unknown[0], operands[0]];
  } catch {
    // An option without its value: told where all is known.
    return [undefined, undefined];
  }
}
