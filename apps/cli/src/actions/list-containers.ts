import type { Client } from '@stowage/client';
import type { Container } from '@stowage/containers';
import { parseSpec } from '@stowage/oci-spec';
import type { Process } from '@stowage/tasks';
import type { Command } from 'commander';
import type { ListFlags } from '../commands/containers.ts';
import { open } from '../connection.ts';
import { formatOf, type Listing, list } from '../listing.ts';
import { labelsText } from '../pairs.ts';
import { styleOfState } from '../screen.ts';
import { formatAge } from '../table.ts';

/** A container, and its process if it has one. */
interface Row {
  readonly container: Container;
  readonly task: Process | undefined;
}

const LISTING: Listing<Row> = {
  fields: [
    { name: 'ID', heading: 'CONTAINER', text: ({ container }) => container.id },
    { name: 'Image', heading: 'IMAGE', text: ({ container }) => container.image },
    { name: 'Command', heading: 'COMMAND', text: ({ container }) => short(argsOf(container).join(' ')) },
    { name: 'RunningFor', heading: 'CREATED', text: ({ container }) => formatAge(container.createdAt) },
    {
      name: 'Status',
      heading: 'STATUS',
      text: ({ task }) => statusOf(task),
      style: ({ task }) => styleOfState(statusOf(task)),
    },
    { name: 'Names', text: ({ container }) => container.id },
    { name: 'Labels', text: ({ container }) => labelsText(container.labels) },
  ],
  json: ({ container, task }) => {
    const { id, image, createdAt, updatedAt, labels, runtime, snapshotter, snapshotKey } = container;
    const [state, exitStatus] = [task?.status ?? 'not running', task?.exitStatus];
    return {
      ...{ id, image, command: argsOf(container), createdAt, updatedAt },
      ...{ state, pid: task?.pid, exitStatus: state === 'stopped' ? exitStatus : undefined },
      ...{ labels, runtime: runtime.name, snapshotter, snapshotKey },
    };
  },
  name: ({ container }) => container.id,
};

export async function listContainers(command: Command, flags: ListFlags): Promise<void> {
  const format = formatOf(flags);
  await using client = open(command);
  await list(rows(client, flags.all), LISTING, format);
}

async function* rows({ services }: Client, all: boolean): AsyncGenerator<Row> {
  // By id: containerd itself leaves containerId empty.
  const tasks = new Map((await Array.fromAsync(services.tasks.list())).map((t) => [t.id, t]));
  for await (const container of services.containers.list()) {
    const task = tasks.get(container.id);
    if (all || runs(task)) yield { container, task };
  }
}

function runs(task: Process | undefined): boolean {
  return task !== undefined && task.status !== 'stopped' && task.status !== 'created';
}

const short = (text: string) => (text.length > 32 ? `${text.slice(0, 31)}…` : text);

/** Others may keep what is no runtime spec in their containers. */
function argsOf({ spec }: Container): readonly string[] {
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
