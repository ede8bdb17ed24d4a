import type { Container } from '@stowage/containers';
import { parseSpec } from '@stowage/oci-spec';
import type { Process } from '@stowage/tasks';
import type { Command } from 'commander';
import type { ListFlags } from '../commands/containers.ts';
import { open } from '../connection.ts';
import { formatAge, table } from '../table.ts';

export async function listContainers(command: Command, { all, quiet }: ListFlags): Promise<void> {
  await using client = open(command);
  // By id: containerd itself leaves containerId empty.
  const tasks = new Map((await Array.fromAsync(client.services.tasks.list())).map((t) => [t.id, t]));
  const rows: string[][] = [];
  for await (const container of client.services.containers.list()) {
    const { id, image, createdAt } = container;
    const task = tasks.get(id);
    if (!all && !runs(task)) continue;
    if (quiet) process.stdout.write(`${id}\n`);
    else rows.push([id, image, commandOf(container), formatAge(createdAt), statusOf(task)]);
  }
  if (!quiet) process.stdout.write(table(['CONTAINER', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS'], rows));
}

function runs(task: Process | undefined): boolean {
  return task !== undefined && task.status !== 'stopped' && task.status !== 'created';
}

function commandOf({ spec }: Container): string {
  const text = argsOf(spec).join(' ');
  return text.length > 32 ? `${text.slice(0, 31)}…` : text;
}

/** Others may keep what is no runtime spec in their containers. */
function argsOf(spec: Container['spec']): readonly string[] {
  if (spec === undefined) return [];
  try {
    return parseSpec(spec).process?.args ?? [];
  } catch {
    return ['?'];
  }
}

function statusOf(task: Process | undefined): string {
  if (task === undefined) return 'not running';
  if (task.status === 'stopped') return `exited (${task.exitStatus})`;
  return task.pid === 0 ? task.status : `${task.status}, pid ${task.pid}`;
}
