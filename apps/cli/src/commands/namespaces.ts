import type { Command } from 'commander';

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

  namespace
    .command('ls')
    .description('list namespaces')
    .option('-q, --quiet', 'names only', false)
    .addHelpText('after', '\nExamples:\n  stowage namespace ls')
    .action(async ({ quiet }: { quiet: boolean }, command: Command) => {
      const { listNamespaces } = await import('../actions/namespaces.ts');
      await listNamespaces(command, quiet);
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
