import type { Command } from 'commander';
import { type ListFormatFlags, withListOptions } from './format-options.ts';

const EXAMPLES = `
Examples:
  stowage namespace ls
  stowage namespace create build team=blue
  stowage namespace label build team= owner=me    an empty value removes a label
  stowage namespace rm build

Namespaces part the containers and images of one user from another's; see --namespace. One comes into being when anything
is made in it.`;

export function addNamespaceCommands(program: Command): void {
  const namespace = program
    .command('namespace')
    .alias('ns')
    .description('list, make, label and remove namespaces')
    .addHelpText('after', EXAMPLES);

  withListOptions(namespace.command('ls'), 'names')
    .description('list namespaces')
    .addHelpText('after', '\nExamples:\n  stowage namespace ls')
    .action(async (flags: ListFormatFlags, command: Command) => {
      const { listNamespaces } = await import('../actions/namespaces.ts');
      await listNamespaces(command, flags);
    });

  namespace
    .command('create <name> [label...]')
    .description('make a namespace')
    .addHelpText('after', '\nExamples:\n  stowage namespace create build team=blue')
    .action(async (name: string, labels: string[], _: object, command: Command) => {
      const { createNamespace } = await import('../actions/namespaces.ts');
      await createNamespace(command, name, labels);
    });

  namespace
    .command('label <name> <label...>')
    .description('set labels of a namespace; an empty value removes one')
    .addHelpText('after', '\nExamples:\n  stowage namespace label build team=blue old=')
    .action(async (name: string, labels: string[], _: object, command: Command) => {
      const { labelNamespace } = await import('../actions/namespaces.ts');
      await labelNamespace(command, name, labels);
    });

  namespace
    .command('rm <name...>')
    .description('remove namespaces in which nothing is left')
    .addHelpText('after', '\nExamples:\n  stowage namespace rm build')
    .action(async (names: string[], _: object, command: Command) => {
      const { removeNamespaces } = await import('../actions/namespaces.ts');
      process.exitCode = await removeNamespaces(command, names);
    });
}
