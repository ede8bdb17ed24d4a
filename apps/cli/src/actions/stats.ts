import { totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, type ResourceUsage, resourceUsage } from '@stowage/client';
import { type CallOptions, Fault } from '@stowage/core';
import type { Command } from 'commander';
import type { StatsFlags } from '../commands/stats.ts';
import { open } from '../connection.ts';
import { interruptible } from '../interrupt.ts';
import { jsonLine } from '../json.ts';
import { type NetworkUsage, networkUsage } from '../network-usage.ts';
import { formatSize, table } from '../table.ts';

const PERIOD_MS = 1000;

const COLUMNS = ['CONTAINER', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'NET I/O', 'BLOCK I/O', 'PIDS'];

interface Sample {
  readonly id: string;
  readonly usage: ResourceUsage;
  readonly network: NetworkUsage | undefined;
  /** Of one processor, since the sample before: 2 are two of them. */
  readonly cpus: number;
}

/** Shows what containers use, again and again. Without ids, of all that run. */
export async function stats(command: Command, ids: readonly string[], flags: StatsFlags): Promise<void> {
  await using client = open(command);
  using interrupt = interruptible();
  const { signal } = interrupt;
  for (const id of ids) await client.services.tasks.get({ containerId: id }, { signal });
  let before = await sample(client, ids, new Map(), { signal });
  for (;;) {
    await delay(PERIOD_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    before = await sample(client, ids, before, { signal });
    show([...before.values()], flags);
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

function show(samples: readonly Sample[], { format }: StatsFlags): void {
  if (format === 'json') {
    for (const one of samples) process.stdout.write(jsonLine(jsonOf(one)));
    return;
  }
  // In place: from the upper left corner, over what was there.
  if (process.stdout.isTTY) process.stdout.write('\u001b[H\u001b[J');
  process.stdout.write(table(COLUMNS, samples.map(rowOf)));
}

function rowOf({ id, usage, network, cpus }: Sample): string[] {
  const { memoryBytes, readBytes, writtenBytes, pids } = usage;
  const limit = memoryLimit(usage);
  return [
    ...[id, percent(cpus), `${formatSize(memoryBytes)} / ${formatSize(limit)}`],
    ...[percent(Number(memoryBytes) / Number(limit))],
    ...[
      network === undefined
        ? '--'
        : `${formatSize(network.receivedBytes)} / ${formatSize(network.sentBytes)}`,
    ],
    ...[`${formatSize(readBytes)} / ${formatSize(writtenBytes)}`, `${pids}`],
  ];
}

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
    ...network,
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
