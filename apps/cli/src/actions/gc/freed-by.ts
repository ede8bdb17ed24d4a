import type { Command } from 'commander';
import type { MeasureFlags } from '../../commands/gc.ts';
import { jsonLine } from '../../json.ts';
import { freedText } from './freed-text.ts';
import { openInspector, tellLimits } from './inspector.ts';
import { resolve } from './resolve.ts';

export async function freedBy(
  command: Command,
  texts: readonly string[],
  { allNamespaces, active, json }: MeasureFlags,
): Promise<void> {
  await using at = openInspector(command, allNamespaces);
  const objects = [];
  for (const text of texts) objects.push(...(await resolve(at, text)));
  const freed = await at.inspector.freedBy(objects, { ...at.options, active });
  if (json) process.stdout.write(jsonLine(freed));
  else {
    process.stdout.write(
      `${freedText(freed)} in ${freed.objects} ${freed.objects === 1 ? 'object' : 'objects'}\n`,
    );
    await tellLimits(at);
  }
}
