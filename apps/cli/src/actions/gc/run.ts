import type { Command } from 'commander';
import type { GcFlags } from '../../commands/gc.ts';
import { jsonLine } from '../../json.ts';
import { formatSize } from '../../table.ts';
import { openInspector } from './inspector.ts';

export async function run(command: Command, { json }: Pick<GcFlags, 'json'>): Promise<void> {
  await using at = openInspector(command, true);
  const did = await at.inspector.run(at.options);
  if (json) {
    process.stdout.write(jsonLine(did));
    return;
  }
  const { removed, pruned, freedBytes, durationMs } = did;
  const seconds = (durationMs / 1000).toPrecision(2);
  process.stdout.write(
    `removed ${removed} records, and ${pruned} from the disk: freed ${formatSize(freedBytes)} in ${seconds} s\n`,
  );
}
