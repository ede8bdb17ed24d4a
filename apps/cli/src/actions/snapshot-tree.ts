import type { SnapshotInfo } from '@stowage/snapshots';
import type { Command } from 'commander';
import type { SnapshotFlags } from '../commands/snapshots.ts';
import { open } from '../connection.ts';
import { plain } from '../table.ts';

export async function drawSnapshots(command: Command, { snapshotter }: SnapshotFlags): Promise<void> {
  await using client = open(command);
  const all = await Array.fromAsync(client.services.snapshotter(snapshotter).list());
  for (const line of treeLines(all)) process.stdout.write(`${line}\n`);
}

/** Each below what it is made on; what is made on nothing that is listed stands for itself. */
export function treeLines(all: readonly Pick<SnapshotInfo, 'name' | 'parent' | 'kind'>[]): string[] {
  const known = new Set(all.map(({ name }) => name));
  const children = Map.groupBy(all, ({ parent }) => (known.has(parent) ? parent : ''));
  const lines: string[] = [];
  // Layers may be many, and a tree as deep: no recursion.
  const open = below('', '');
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    lines.push(next.line);
    open.push(...below(next.name, next.indent));
  }
  return lines;

  /** The last one first, as they are taken from the end. */
  function below(parent: string, indent: string) {
    const found = [...(children.get(parent) ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
    return found
      .map(({ name, kind }, i) => {
        const isLast = i === found.length - 1;
        const branch = parent === '' ? '' : isLast ? '└── ' : '├── ';
        const more = parent === '' ? '' : isLast ? '    ' : '│   ';
        const note = kind === 'committed' ? '' : ` (${kind})`;
        return { name, line: `${indent}${branch}${plain(name)}${note}`, indent: `${indent}${more}` };
      })
      .reverse();
  }
}
