import { KIND_WORD } from '@stowage/gc';
import type { Command } from 'commander';
import type { MeasureFlags } from '../../commands/gc.ts';
import { jsonLine } from '../../json.ts';
import { formatSize, table } from '../../table.ts';
import { openInspector, tellLimits } from './inspector.ts';

export async function plan(command: Command, { allNamespaces, active, json }: MeasureFlags): Promise<void> {
  await using at = openInspector(command, allNamespaces);
  const rows: string[][] = [];
  let [bytes, unmeasured] = [0n, 0];
  for await (const removal of at.inspector.plan({ ...at.options, active })) {
    if (json) {
      process.stdout.write(jsonLine(removal));
      continue;
    }
    const { object, freesBytes } = removal;
    const { namespace, kind, snapshotter, name } = object;
    const shown = snapshotter === '' ? name : `${snapshotter}/${name}`;
    rows.push([namespace, KIND_WORD[kind], shown, freesBytes === undefined ? '?' : formatSize(freesBytes)]);
    if (freesBytes === undefined) unmeasured += 1;
    bytes += freesBytes ?? 0n;
  }
  if (json) return;
  if (rows.length === 0) process.stdout.write('There is no garbage.\n');
  else {
    process.stdout.write(table(['NAMESPACE', 'KIND', 'NAME', 'FREES'], rows));
    const rest = unmeasured === 0 ? '' : `, and ${unmeasured} not measured (--active)`;
    process.stdout.write(`${rows.length} would go: ${formatSize(bytes)}${rest}\n`);
  }
  await tellLimits(at);
}
