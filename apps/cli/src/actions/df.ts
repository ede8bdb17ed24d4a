import { KIND_WORD, type ObjectId, type ObjectKind, type Usage } from '@stowage/gc';
import type { Command } from 'commander';
import type { DfFlags } from '../commands/df.ts';
import { formatOf, type Listing, list } from '../listing.ts';
import { formatSize, table } from '../table.ts';
import { openInspector, tellLimits } from './gc/inspector.ts';

const COLUMNS = ['SIZE', 'UNIQUE', 'SHARED', 'RECLAIMABLE'];

/** Told only if there are any. */
const RARE: readonly ObjectKind[] = ['sandboxes', 'leases', 'ingests'];

/** For templates and JSON: all in one list. */
const LISTING: Listing<Usage> = {
  fields: [
    { name: 'Type', text: ({ of }) => typeOf(of) },
    { name: 'Name', text: ({ of }) => (of.type === 'object' ? nameOf(of.object) : '') },
    { name: 'Namespace', text: ({ of }) => namespaceOf(of) },
    { name: 'Size', text: (usage) => sizes(usage)[0] ?? '' },
    { name: 'Unique', text: ({ uniqueBytes }) => formatSize(uniqueBytes) },
    { name: 'Shared', text: ({ sharedBytes }) => formatSize(sharedBytes) },
    { name: 'Reclaimable', text: ({ reclaimableBytes }) => formatSize(reclaimableBytes) },
  ],
  json: (usage) => usage,
};

export async function df(command: Command, flags: DfFlags): Promise<void> {
  const { allNamespaces, verbose, active } = flags;
  const format = formatOf(flags);
  await using at = openInspector(command, allNamespaces);
  const usages = at.inspector.usage({ ...at.options, detail: verbose, active });
  if (format.how !== 'table') return await list(usages, LISTING, format);
  await printTables(usages, allNamespaces);
  await tellLimits(at);
}

async function printTables(usages: AsyncIterable<Usage>, allNamespaces: boolean): Promise<void> {
  const kinds: string[][] = [];
  const namespaces: string[][] = [];
  const objects = new Map<ObjectKind, string[][]>();
  for await (const usage of usages) {
    const { of, count } = usage;
    if (of.type === 'namespace') namespaces.push([of.namespace, `${count}`, ...sizes(usage)]);
    else if (of.type === 'total') kinds.push(['total', '', ...sizes(usage)]);
    else if (of.type === 'object') {
      const rows = objects.get(of.object.kind) ?? [];
      objects.set(of.object.kind, rows);
      rows.push([...(allNamespaces ? [of.object.namespace] : []), nameOf(of.object), ...sizes(usage)]);
    } else if (count > 0 || !RARE.includes(of.kind)) kinds.push([of.kind, `${count}`, ...sizes(usage)]);
  }
  const [total = [], ...rest] = kinds;
  process.stdout.write(table(['TYPE', 'COUNT', ...COLUMNS], [...rest, total]));
  if (allNamespaces) process.stdout.write(`\n${table(['NAMESPACE', 'OBJECTS', ...COLUMNS], namespaces)}`);
  for (const [kind, rows] of objects) {
    const headings = [KIND_WORD[kind].toUpperCase(), ...COLUMNS];
    process.stdout.write(`\n${table(allNamespaces ? ['NAMESPACE', ...headings] : headings, rows)}`);
  }
}

function typeOf(of: Usage['of']): string {
  if (of.type === 'object') return KIND_WORD[of.object.kind];
  return of.type === 'kind' ? of.kind : of.type;
}

function namespaceOf(of: Usage['of']): string {
  if (of.type === 'object') return of.object.namespace;
  return of.type === 'namespace' ? of.namespace : '';
}

const nameOf = ({ snapshotter, name }: ObjectId) => (snapshotter === '' ? name : `${snapshotter}/${name}`);

function sizes({ sizeBytes, uniqueBytes, sharedBytes, reclaimableBytes, unmeasured }: Usage): string[] {
  const size = `${formatSize(sizeBytes)}${unmeasured === 0 ? '' : '+'}`;
  return [size, ...[uniqueBytes, sharedBytes, reclaimableBytes].map(formatSize)];
}
