import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, hostname, release, totalmem, type } from 'node:os';
import { dirname } from 'node:path';
import type { Client } from '@stowage/client';
import { type PluginStatus, unlessAbsent } from '@stowage/core';
import type { Command } from 'commander';
import type { InfoFlags } from '../commands/info.ts';
import { open } from '../connection.ts';
import type { GlobalOptions } from '../global-options.ts';
import { jsonText } from '../json.ts';
import { formatOf, lineOf } from '../listing.ts';
import { formatSize, plain } from '../table.ts';

export async function info(command: Command, flags: InfoFlags): Promise<void> {
  const format = formatOf(flags);
  const { address, namespace } = command.optsWithGlobals<GlobalOptions>();
  await using client = open(command);
  const about = { address, namespace, ...(await aboutDaemon(client)), host: await aboutHost() };
  const line = format.how === 'json' ? jsonText(about) : lineOf(about, LISTING, format);
  process.stdout.write(line ?? textOf(about));
}

type About = Awaited<ReturnType<typeof aboutDaemon>> &
  Pick<GlobalOptions, 'address' | 'namespace'> & { readonly host: Awaited<ReturnType<typeof aboutHost>> };

const LISTING = { fields: [], json: (about: About) => about };

async function aboutDaemon({ services }: Client) {
  const { version, revision } = await services.version.version();
  const { uuid, pid } = await services.introspection.server();
  const plugins = await services.introspection.plugins();
  const ids = (kind: string) =>
    plugins.filter(({ type, state }) => type === kind && state === 'ok').map(({ id }) => id);
  const runtimes = [
    ...ids('stowage.runtime.v1'),
    ...ids('io.containerd.runtime.v2'),
    ...ids('io.containerd.runtime.v1'),
  ];
  return {
    ...{ version, revision, uuid, pid: Number(pid), root: rootOf(plugins) },
    containers: await countContainers(services),
    images: (await Array.fromAsync(services.images.list())).length,
    ...{ snapshotters: ids('io.containerd.snapshotter.v1'), runtimes },
    plugins: {
      ok: plugins.filter(({ state }) => state === 'ok').length,
      skipped: plugins.filter(({ state }) => state === 'skipped').length,
      failed: plugins.filter(({ state }) => state === 'failed').map(({ type, id }) => `${type}.${id}`),
    },
  };
}

async function countContainers({ containers, tasks }: Client['services']) {
  const counts = { all: 0, running: 0, paused: 0, stopped: 0 };
  for await (const _ of containers.list()) counts.all++;
  for await (const { status } of tasks.list()) {
    if (status === 'running') counts.running++;
    else if (status === 'paused' || status === 'pausing') counts.paused++;
  }
  return { ...counts, stopped: counts.all - counts.running - counts.paused };
}

/** Where the daemon keeps all: the store of blobs is a directory there. */
function rootOf(plugins: readonly PluginStatus[]): string | undefined {
  const content = plugins.find(({ type }) => type === 'io.containerd.content.v1');
  const root = content?.exports.get('root');
  return root === undefined ? undefined : dirname(root);
}

/** Of this machine, which is the daemon's. */
async function aboutHost() {
  const release_ = await unlessAbsent(readFile('/etc/os-release', 'utf8'));
  const [, system] = /^PRETTY_NAME="?(.*?)"?$/m.exec(release_ ?? '') ?? [];
  const isV2 = (await unlessAbsent(readFile('/sys/fs/cgroup/cgroup.controllers'))) !== undefined;
  return {
    ...{ name: hostname(), system, kernel: `${type()} ${release()}`, architecture: arch() },
    ...{ cpus: availableParallelism(), memoryBytes: totalmem(), cgroups: isV2 ? 2 : 1 },
  };
}

function textOf(about: About): string {
  const { containers, plugins, host, revision } = about;
  const { all, running, paused, stopped } = containers;
  const failed = plugins.failed.length === 0 ? '' : `, failed: ${plugins.failed.join(', ')}`;
  const lines: Array<readonly [string, string | undefined]> = [
    ['Address', about.address],
    ['Version', `${about.version}${revision === '' ? '' : ` (${revision})`}`],
    ['Root', about.root],
    ['Id', about.uuid],
    ['Pid', `${about.pid}`],
    ['Namespace', about.namespace],
    ['Containers', `${all} (${running} running, ${paused} paused, ${stopped} stopped)`],
    ['Images', `${about.images}`],
    ['Snapshotters', about.snapshotters.join(', ')],
    ['Runtimes', about.runtimes.join(', ')],
    ['Plugins', `${plugins.ok} ok, ${plugins.skipped} skipped${failed}`],
    ['Kernel', host.kernel],
    ['System', host.system],
    ['Architecture', host.architecture],
    ['Control groups', `version ${host.cgroups}`],
    ['CPUs', `${host.cpus}`],
    ['Memory', formatSize(BigInt(host.memoryBytes))],
    ['Name', host.name],
  ];
  return lines.map(([name, value]) => (value === undefined ? '' : `${name}: ${plain(value)}\n`)).join('');
}
