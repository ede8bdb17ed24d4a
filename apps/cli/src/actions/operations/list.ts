import type { Operation } from '@stowage/operations';
import type { Command } from 'commander';
import type { ListOperationsFlags } from '../../commands/operations.ts';
import { jsonLine } from '../../json.ts';
import { table } from '../../table.ts';
import { COLUMNS, cells } from './columns.ts';
import { known, openOperations } from './service.ts';

export async function listOperations(command: Command, flags: ListOperationsFlags): Promise<void> {
  const { all, allNamespaces, filter, json, quiet } = flags;
  await using at = openOperations(command, allNamespaces);
  const found = await known(Array.fromAsync(at.operations.list(filter)));
  const shown = found.filter(({ state }) => all || asksForState(filter) || state === 'running');
  shown.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  if (quiet) for (const { id } of shown) process.stdout.write(`${id}\n`);
  else if (json) for (const operation of shown) process.stdout.write(jsonLine(operation));
  else
    process.stdout.write(
      table(
        COLUMNS,
        shown.map((operation: Operation) => cells(operation)),
      ),
    );
}

/** Who asks for those that failed need not say that they have ended. */
function asksForState(filters: readonly string[]): boolean {
  return filters.some((filter) => /(^|,)state\b/.test(filter));
}
