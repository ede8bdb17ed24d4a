import type { Command } from 'commander';
import type { ListOperationsFlags } from '../../commands/operations.ts';
import { formatOf, list } from '../../listing.ts';
import { OPERATIONS } from './columns.ts';
import { known, openOperations } from './service.ts';

export async function listOperations(command: Command, flags: ListOperationsFlags): Promise<void> {
  const { all, allNamespaces, filter } = flags;
  const format = formatOf(flags);
  await using at = openOperations(command, allNamespaces);
  const found = await known(Array.fromAsync(at.operations.list(filter)));
  const shown = found.filter(({ state }) => all || asksForState(filter) || state === 'running');
  shown.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  await list(shown, OPERATIONS, format);
}

/** Who asks for those that failed need not say that they have ended. */
function asksForState(filters: readonly string[]): boolean {
  return filters.some((filter) => /(^|,)state\b/.test(filter));
}
