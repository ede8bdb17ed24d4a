import type { Command, Help } from 'commander';

/** A manual page: the name of its file, and its text in roff. */
export interface ManualPage {
  readonly file: string;
  readonly text: string;
}

/** A page for the tool, and one for each command, from what `--help` tells of them. */
export function manualPages(program: Command): ManualPage[] {
  const version = program.version() ?? '';
  const of = (command: Command, path: string): ManualPage[] => [
    { file: `${path.replaceAll(' ', '-')}.1`, text: page(command, path, version) },
    ...commandsOf(command).flatMap((sub) => of(sub, `${path} ${sub.name()}`)),
  ];
  return of(program, program.name());
}

const commandsOf = (command: Command) =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((sub) => sub.parent === command && sub.name() !== 'help');

function page(command: Command, path: string, version: string): string {
  const help = command.createHelp();
  const name = path.replaceAll(' ', '-');
  const { examples, notes } = textsOf(command);
  const subcommands = commandsOf(command).flatMap((sub) => item(`${path} ${sub.name()}`, sub.description()));
  return [
    '.\\" Made from the definitions of the commands.',
    `.TH ${quoted(name.toUpperCase())} 1 "" ${quoted(`stowage ${version}`)} "Stowage"`,
    ...section('NAME', [`${escaped(name)} \\- ${escaped(command.description())}`]),
    ...section('SYNOPSIS', [`.B ${escaped(path)}`, escaped(command.usage())]),
    ...section('ARGUMENTS', argumentsOf(command, help)),
    ...section('OPTIONS', optionsOf(command, help)),
    ...section('COMMANDS', subcommands),
    ...section('NOTES', notes.flatMap(paragraph)),
    ...section('EXAMPLES', examples.flatMap(literal)),
    ...section('SEE ALSO', seeAlso(command, path)),
    '',
  ].join('\n');
}

/** What help says below its lists. */
function textsOf(command: Command): { examples: string[][]; notes: string[] } {
  let all = '';
  command.configureOutput({
    writeOut(text) {
      all += text;
    },
  });
  command.outputHelp();
  const below = all.slice(command.helpInformation().length).trim();
  const paragraphs = below.split(/\n\n+/).filter((text) => text !== '');
  const isExamples = (text: string) => text.startsWith('Examples:\n');
  return {
    examples: paragraphs
      .filter(isExamples)
      .map((text) => text.replaceAll(/^ {2}/gm, '').split('\n').slice(1)),
    notes: paragraphs.filter((text) => !isExamples(text)),
  };
}

function argumentsOf(command: Command, help: Help): string[] {
  const told = help.visibleArguments(command).filter((arg) => help.argumentDescription(arg) !== '');
  return told.flatMap((arg) => item(help.argumentTerm(arg), help.argumentDescription(arg)));
}

function optionsOf(command: Command, help: Help): string[] {
  return help
    .visibleOptions(command)
    .flatMap((option) => item(help.optionTerm(option), help.optionDescription(option)));
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH ${title}`, ...lines];
}

function item(term: string, text: string): string[] {
  return ['.TP', `.B ${escaped(term)}`, escaped(text)];
}

/** Lines that begin with spaces stay as they are; others are filled. */
function paragraph(text: string): string[] {
  const lines = text.split('\n').map((line) => {
    const isLiteral = line.startsWith(' ');
    return isLiteral ? literal([line]) : [escaped(line)];
  });
  return ['.PP', ...lines.flat()];
}

function literal(lines: readonly string[]): string[] {
  return ['.nf', ...lines.map(escaped), '.fi'];
}

function seeAlso(command: Command, path: string): string[] {
  return command.parent === null ? [] : [`.BR ${escaped(path.split(' ').slice(0, -1).join('-'))} (1)`];
}

const quoted = (text: string) => `"${escaped(text).replaceAll('"', '\\(dq')}"`;

/** What roff takes for its own, or for something that looks better and can't be copied into a shell. */
const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};

function escaped(text: string): string {
  return text
    .replaceAll(/[\\\-'`^~]/g, (character) => SPECIAL[character] ?? character)
    .replaceAll(/[^\x20-\x7e]/gu, (character) => `\\[u${hexOf(character)}]`)
    .replace(/^\./, '\\&.');
}

const hexOf = (character: string) =>
  (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
