import type { ImageHistory } from '@stowage/client';
import type { Command } from 'commander';
import type { HistoryFlags } from '../commands/images.ts';
import { open } from '../connection.ts';
import { imageHandle } from '../image-named.ts';
import { jsonLine } from '../json.ts';
import { formatAge, formatSize, table } from '../table.ts';

const SHORT = 60;

export async function showHistory(command: Command, text: string, flags: HistoryFlags): Promise<void> {
  await using client = open(command);
  const image = await imageHandle(client, text, flags.platform);
  const steps = (await image.history()).reverse();
  if (flags.json) for (const step of steps) process.stdout.write(jsonLine(step));
  else
    process.stdout.write(
      table(
        ['CREATED', 'CREATED BY', 'SIZE', 'COMMENT'],
        steps.map((step) => row(step, flags)),
      ),
    );
}

function row(
  { created, createdBy = '', comment = '', layer }: ImageHistory,
  { trunc }: HistoryFlags,
): string[] {
  const at = new Date(created ?? Number.NaN);
  const age = Number.isNaN(at.getTime()) ? '' : formatAge(at);
  const text = (whole: string) => (trunc && whole.length > SHORT ? `${whole.slice(0, SHORT - 3)}...` : whole);
  return [age, text(createdBy), layer === undefined ? '0 B' : formatSize(layer.size), text(comment)];
}
