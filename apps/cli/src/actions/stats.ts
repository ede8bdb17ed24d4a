import { totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, type ResourceUsage, resourceUsage } from '@stowage/client';
import { type CallOptions, Fault } from '@stowage/core';
import type { Command } from 'commander';
import type { StatsFlags } from '../commands/stats.ts';
import { open } from '../connection.ts';
import { interruptible } from '../interrupt.ts';
import { type Format, formatOf, type Listing, list } from '../listing.ts';
import { type NetworkUsage, networkUsage } from '../network-usage.ts';
import { formatSize } from '../table.ts';

const PERIOD_MS = 1000;

interface Sample {
  readonly id: string;
  readonly usage: ResourceUsage;
  readonly network: NetworkUsage | undefined;
  /** Of one processor, since the sample before: 2 are two of them. */
  readonly cpus: number;
}

/** Shows what containers use, again and again. Without ids, of all that run. */
export async function stats(command: Command, ids: readonly string[], flags: StatsFlags): Promise<void> {
  const format = formatOf(flags);
  await using client = open(command);
  using interrupt = interruptible();
  const { signal } = interrupt;
  for (const id of ids) await client.services.tasks.get({ containerId: id }, { signal });
  let before = await sample(client, ids, new Map(), { signal });
  for (;;) {
    await delay(PERIOD_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    before = await sample(client, ids, before, { signal });
    await show([...before.values()], format);
    if (!flags.stream) return;
    if (ids.length > 0 && before.size === 0)
      throw new Fault('not_found', 'stats: none of these containers runs any more');
  }
}

async function sample(
  client: Client,
  ids: readonly string[],
  before: ReadonlyMap<string, Sample>,
  options: CallOptions,
): Promise<Map<string, Sample>> {
  const { tasks } = client.services;
  // By id: containerd itself leaves containerId empty.
  const pids = new Map((await Array.fromAsync(tasks.list(options))).map(({ id, pid }) => [id, pid]));
  const samples = new Map<string, Sample>();
  const filters = ids.map((id) => `id==${id}`);
  for await (const metric of tasks.metrics(filters, options)) {
    const { id } = metric;
    const usage = resourceUsage(metric);
    const [pid, last] = [pids.get(id), before.get(id)?.usage];
    const network = pid === undefined ? undefined : await networkUsage(pid);
    samples.set(id, { id, usage, network, cpus: last === undefined ? 0 : cpusBetween(last, usage) });
  }
  return samples;
}

function cpusBetween(last: ResourceUsage, now: ResourceUsage): number {
  const wallNs = (now.at.getTime() - last.at.getTime()) * 1e6;
  // One that was started again begins at nothing.
  return wallNs > 0 && now.cpuNs >= last.cpuNs ? Number(now.cpuNs - last.cpuNs) / wallNs : 0;
}

async function show(samples: readonly Sample[], format: Format): Promise<void> {
  const isTable = format.how === 'table' || format.how === 'template table';
  // In place: from the upper left corner, over what was there.
  if (isTable && process.stdout.isTTY) process.stdout.write('\u001b[H\u001b[J');
  await list(samples, LISTING, format);
}

const memoryShare = ({ usage }: Sample) => Number(usage.memoryBytes) / Number(memoryLimit(usage));

const both = (one: bigint, other: bigint) => `${formatSize(one)} / ${formatSize(other)}`;

const LISTING: Listing<Sample> = {
  fields: [
    { name: 'ID', heading: 'CONTAINER', text: ({ id }) => id },
    { name: 'CPUPerc', heading: 'CPU %', text: ({ cpus }) => percent(cpus) },
    {
      name: 'MemUsage',
      heading: 'MEM USAGE / LIMIT',
      text: ({ usage }) => both(usage.memoryBytes, memoryLimit(usage)),
    },
    { name: 'MemPerc', heading: 'MEM %', text: (sample) => percent(memoryShare(sample)) },
    {
      name: 'NetIO',
      heading: 'NET I/O',
      text: ({ network }) => (network ? both(network.receivedBytes, network.sentBytes) : '--'),
    },
    {
      name: 'BlockIO',
      heading: 'BLOCK I/O',
      text: ({ usage }) => both(usage.readBytes, usage.writtenBytes),
    },
    { name: 'PIDs', heading: 'PIDS', text: ({ usage }) => `${usage.pids}` },
    { name: 'Container', text: ({ id }) => id },
    { name: 'Name', text: ({ id }) => id },
  ],
  json: jsonOf,
};

function jsonOf({ id, usage, network, cpus }: Sample): object {
  const { at, memoryBytes, readBytes, writtenBytes, pids, pidsLimit, cpuNs } = usage;
  const [cpuPercent, memoryLimitBytes] = [cpus * 100, memoryLimit(usage)];
  return {
    id,
    at,
    cpuPercent,
    cpuNs,
    memoryBytes,
    memoryLimitBytes,
    receivedBytes: network?.receivedBytes,
    sentBytes: network?.sentBytes,
    readBytes,
    writtenBytes,
    pids,
    pidsLimit,
  };
}

/** What the machine has bounds everybody. */
function memoryLimit({ memoryLimitBytes }: ResourceUsage): bigint {
  const machine = BigInt(totalmem());
  return memoryLimitBytes === undefined || memoryLimitBytes > machine ? machine : memoryLimitBytes;
}

const percent = (part: number) => `${(part * 100).toFixed(2)}%`;
