import { KIND_WORD } from '@stowage/gc';
import type { Command } from 'commander';
import type { GcFlags } from '../../commands/gc.ts';
import { jsonLine } from '../../json.ts';
import { formatSize, table } from '../../table.ts';
import { openInspector } from './inspector.ts';

/** @returns the exit code: 1 if anything is missing. */
export async function orphans(command: Command, { json }: Pick<GcFlags, 'json'>): Promise<number> {
  await using at = openInspector(command, true);
  const rows: string[][] = [];
  let exitCode = 0;
  for await (const orphan of at.inspector.orphans(at.options)) {
    const { problem, object } = orphan;
    if (problem === 'missing') exitCode = 1;
    if (json) {
      process.stdout.write(jsonLine(orphan));
      continue;
    }
    const { namespace, kind, snapshotter, name } = object;
    const size =
      problem === 'missing' ? '' : orphan.sizeBytes === undefined ? '?' : formatSize(orphan.sizeBytes);
    rows.push([
      problem,
      namespace,
      KIND_WORD[kind],
      snapshotter === '' ? name : `${snapshotter}/${name}`,
      size,
    ]);
  }
  if (json) return exitCode;
  if (rows.length === 0) process.stdout.write('Records and the disk agree.\n');
  else process.stdout.write(table(['PROBLEM', 'NAMESPACE', 'KIND', 'NAME', 'SIZE'], rows));
  return exitCode;
}
