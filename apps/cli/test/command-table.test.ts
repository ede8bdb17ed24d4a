import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Command } from 'commander';
import { COMMAND_FILES } from '../src/command-table.ts';
import { programFor, wholeProgram } from '../src/program.ts';

const namesOf = (program: Command) =>
  program.commands.flatMap((command) => [command.name(), ...command.aliases()]);

test.each(COMMAND_FILES.map(({ names, load }) => [names.join(', '), names, load] as const))(
  'the file of %s defines just those',
  async (_, names, load) => {
    const program = new Command().enablePositionalOptions();
    (await load())(program);
    expect(namesOf(program).sort()).toEqual([...names].sort());
  },
);

test('every file that defines commands is in the table', async () => {
  const dir = join(import.meta.dirname, '../src/commands');
  const defining: unknown[] = [];
  for (const file of await readdir(dir)) {
    const exported = (await import(join(dir, file))) as Record<string, unknown>;
    defining.push(...Object.keys(exported).filter((name) => /^add.*(Commands?|Group)$/.test(name)));
  }
  const loaded = await Promise.all(COMMAND_FILES.map(({ load }) => load()));
  expect(loaded.map(({ name }) => name).sort()).toEqual(defining.sort());
});

test.each([
  [['ps'], ['ps', 'rm']],
  [
    ['-n', 'run', '--address=x', '--embedded', 'ops', 'ls', '-a'],
    ['operations', 'ops'],
  ],
  [
    ['image', 'prune'],
    ['image', 'container', 'system'],
  ],
])('%j needs no more than the files of its command', async (args, names) => {
  expect(namesOf(await programFor(args)).sort()).toEqual(names.sort());
});

test.each([[[]], [['nonsense']], [['--nonsense', 'ps']], [['help', 'ps']], [['-n']]])(
  '%j needs all of them',
  async (args) => {
    expect(namesOf(await programFor(args))).toEqual(namesOf(await wholeProgram()));
  },
);
