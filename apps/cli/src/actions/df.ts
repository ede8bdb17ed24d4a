import { KIND_WORD, type ObjectId, type ObjectKind, type Usage } from '@stowage/gc';
import type { Command } from 'commander';
import type { DfFlags } from '../commands/df.ts';
import { jsonLine } from '../json.ts';
import { formatSize, table } from '../table.ts';
import { openInspector, tellLimits } from './gc/inspector.ts';

const COLUMNS = ['SIZE', 'UNIQUE', 'SHARED', 'RECLAIMABLE'];

/** Told only if there are any. */
const RARE: readonly ObjectKind[] = ['sandboxes', 'leases', 'ingests'];

export async function df(command: Command, { allNamespaces, verbose, active, json }: DfFlags): Promise<void> {
  await using at = openInspector(command, allNamespaces);
  const kinds: string[][] = [];
  const namespaces: string[][] = [];
  const objects = new Map<ObjectKind, string[][]>();
  for await (const usage of at.inspector.usage({ ...at.options, detail: verbose, active })) {
    if (json) {
      process.stdout.write(jsonLine(usage));
      continue;
    }
    const { of, count } = usage;
    if (of.type === 'namespace') namespaces.push([of.namespace, `${count}`, ...sizes(usage)]);
    else if (of.type === 'total') kinds.push(['total', '', ...sizes(usage)]);
    else if (of.type === 'object') {
      const rows = objects.get(of.object.kind) ?? [];
      objects.set(of.object.kind, rows);
      rows.push([...nameCells(of.object, allNamespaces), ...sizes(usage)]);
    } else if (count > 0 || !RARE.includes(of.kind)) kinds.push([of.kind, `${count}`, ...sizes(usage)]);
  }
  if (json) return;
  const [total = [], ...rest] = kinds;
  process.stdout.write(table(['TYPE', 'COUNT', ...COLUMNS], [...rest, total]));
  if (allNamespaces) process.stdout.write(`\n${table(['NAMESPACE', 'OBJECTS', ...COLUMNS], namespaces)}`);
  for (const [kind, rows] of objects) {
    const headings = [KIND_WORD[kind].toUpperCase(), ...COLUMNS];
    process.stdout.write(`\n${table(allNamespaces ? ['NAMESPACE', ...headings] : headings, rows)}`);
  }
  await tellLimits(at);
}

function nameCells({ namespace, snapshotter, name }: ObjectId, allNamespaces: boolean): string[] {
  const shown = snapshotter === '' ? name : `${snapshotter}/${name}`;
  return allNamespaces ? [namespace, shown] : [shown];
}

function sizes({ sizeBytes, uniqueBytes, sharedBytes, reclaimableBytes, unmeasured }: Usage): string[] {
  const size = `${formatSize(sizeBytes)}${unmeasured === 0 ? '' : '+'}`;
  return [size, ...[uniqueBytes, sharedBytes, reclaimableBytes].map(formatSize)];
}
