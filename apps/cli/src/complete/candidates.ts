import type { Argument, Command, Option } from 'commander';
import { programFor } from '../program.ts';
import { kindsOf, type NameKind } from './kinds.ts';

/** Something that a command line may go on with. */
export interface Candidate {
  readonly value: string;
  /** Empty of names. */
  readonly description: string;
}

/** The names of things that there are now. Those of which it can't be told are none. */
export type LiveNames = (
  kinds: readonly NameKind[],
  options: Readonly<Record<string, unknown>>,
) => Promise<readonly string[]>;

/**
 * What the last word may be, from the definitions of all commands.
 *
 * @param words - after the tool's own name; the last one is not finished, and may be empty.
 */
export async function candidates(words: readonly string[], names: LiveNames): Promise<Candidate[]> {
  const current = words.at(-1) ?? '';
  const place = placeOf(await programFor(words), words.slice(0, -1));
  const found = await (place.option === undefined
    ? ofWord(place, current, names)
    : ofValue(place.option, '', place, names));
  return found.filter(({ value }) => value.startsWith(current));
}

/** Where in a command line the last word is. */
interface Place {
  readonly command: Command;
  /** That wants the word for its value. */
  readonly option: Option | undefined;
  /** Words before it that are no options. */
  readonly operands: number;
  /** Whether a word that begins with a dash may be an option here. */
  readonly takesOptions: boolean;
  /** Values of options so far, and the usual ones of others. */
  readonly options: Readonly<Record<string, unknown>>;
}

function placeOf(program: Command, before: readonly string[]): Place {
  let [command, operands, takesOptions] = [program, 0, true];
  let option: Option | undefined;
  const options: Record<string, unknown> = { ...program.opts() };
  for (const word of before) {
    const sub = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (option !== undefined) {
      options[option.attributeName()] = word;
      option = undefined;
    } else if (takesOptions && word === '--') takesOptions = false;
    else if (takesOptions && /^-./.test(word)) {
      const [name, value] = splitOption(word);
      const known = optionNamed(command, name);
      if (value !== undefined && known !== undefined) options[known.attributeName()] = value;
      else if (known?.required === true) option = known;
    } else if (operands === 0 && sub !== undefined) {
      command = sub;
      Object.assign(options, sub.opts());
    } else {
      operands++;
      // What follows the first word is the program's that is to be run.
      takesOptions &&= command.registeredArguments.at(-1)?.name() !== 'command';
    }
  }
  return { command, option, operands, takesOptions, options };
}

function splitOption(word: string): readonly [name: string, value: string | undefined] {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** Of several letters together, such as `-it`, the last one may take a value. */
function optionNamed({ options }: Command, name: string): Option | undefined {
  const wanted = name.startsWith('--') ? name : `-${name.slice(-1)}`;
  return options.find(({ long, short }) => long === wanted || short === wanted);
}

async function ofWord(place: Place, current: string, names: LiveNames): Promise<Candidate[]> {
  const { command, operands, takesOptions } = place;
  if (takesOptions && current.startsWith('-')) {
    const [name, value] = splitOption(current);
    const option = value === undefined ? undefined : optionNamed(command, name);
    if (option !== undefined) return await ofValue(option, `${name}=`, place, names);
    return optionsOf(command, current);
  }
  if (command.commands.length > 0) {
    const commands = command.createHelp().visibleCommands(command);
    return operands > 0 ? [] : commands.map((one) => ({ value: one.name(), description: one.description() }));
  }
  const args = command.registeredArguments;
  const arg = args[operands] ?? args.findLast(({ variadic }) => variadic);
  return arg === undefined ? [] : await ofArgument(arg, place, names);
}

async function ofArgument(
  arg: Argument,
  { command, options }: Place,
  names: LiveNames,
): Promise<Candidate[]> {
  if (arg.argChoices !== undefined) return arg.argChoices.map(plainly);
  const path = `${command.parent?.name() ?? ''} ${command.name()}`;
  return (await names(kindsOf(path, arg.name()), options)).map(plainly);
}

async function ofValue(
  option: Option,
  prefix: string,
  { options }: Place,
  names: LiveNames,
): Promise<Candidate[]> {
  const live = option.long === '--namespace' ? await names(['namespaces'], options) : [];
  return [...(option.argChoices ?? []), ...live].map((value) => plainly(`${prefix}${value}`));
}

function optionsOf(command: Command, current: string): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, short, description }) => {
      const spelt = current.startsWith('--') ? [long] : [short, long];
      return spelt.flatMap((value) => (value === undefined ? [] : { value, description }));
    });
}

const plainly = (value: string): Candidate => ({ value, description: '' });
