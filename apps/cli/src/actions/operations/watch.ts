import { Fault, formatPosition } from '@stowage/core';
import type { Operation, OperationChange, OperationService } from '@stowage/operations';
import type { Command } from 'commander';
import type { WatchFlags } from '../../commands/operations.ts';
import { jsonLine } from '../../json.ts';
import { written } from '../../written.ts';
import { known, openOperations } from './service.ts';
import { operationsView } from './view.ts';

/** @returns the exit code: of one that is watched, 1 unless it ends well. */
export async function watchOperations(
  command: Command,
  id: string | undefined,
  { allNamespaces, filter, json }: WatchFlags,
): Promise<number> {
  await using at = openOperations(command, allNamespaces);
  if (id !== undefined) await known(mustBeThere(at.operations, id));
  const filters = id === undefined ? filter : [byId(id)];
  using view = operationsView(process.stdout, id !== undefined);
  const changes = at.operations.subscribe({ filters })[Symbol.asyncIterator]();
  for (let next = await known(changes.next()); next.done !== true; next = await changes.next()) {
    if (json) await written(lineOf(next.value));
    else await view.update(next.value);
    const state = next.value.type === 'changed' ? next.value.operation.state : 'running';
    if (id !== undefined && state !== 'running') return state === 'done' ? 0 : 1;
  }
  return 0;
}

const byId = (id: string): string => `id==${JSON.stringify(id)}`;

async function mustBeThere(operations: OperationService, id: string): Promise<void> {
  const found: Operation[] = await Array.fromAsync(operations.list([byId(id)]));
  if (found.length === 0) throw new Fault('not_found', `operation ${id}: not found`);
}

function lineOf(change: OperationChange): string {
  if (change.type === 'gap') return jsonLine({ gap: true });
  return jsonLine({ position: formatPosition(change.position), operation: change.operation });
}
