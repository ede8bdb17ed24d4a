import type { Share } from '@stowage/client';
import type { Command } from 'commander';
import type { LookFlags } from '../commands/image.ts';
import { open } from '../connection.ts';
import { imagesNamed } from '../image-named.ts';
import { jsonLine } from '../json.ts';
import { formatSize, table } from '../table.ts';

const COLUMNS = ['NAME', 'CONTENT', 'SHARED', 'SNAPSHOTS', 'SHARED'];

export async function imageUsage(
  command: Command,
  texts: readonly string[],
  { json }: LookFlags,
): Promise<void> {
  await using client = open(command);
  const wanted = texts.length === 0 ? undefined : new Set(await imagesNamed(client, texts));
  const rows: string[][] = [];
  for await (const { image, content, snapshots } of client.imageUsage()) {
    const { name } = image;
    if (wanted !== undefined && !wanted.has(name)) continue;
    if (json) process.stdout.write(jsonLine({ name, content, snapshots: Object.fromEntries(snapshots) }));
    else rows.push([name, ...cells(content), ...cells(sumOf([...snapshots.values()]))]);
  }
  if (!json) process.stdout.write(table(COLUMNS, rows));
}

const cells = ({ sizeBytes, sharedBytes }: Share) => [formatSize(sizeBytes), formatSize(sharedBytes)];

function sumOf(shares: readonly Share[]): Share {
  let [sizeBytes, sharedBytes] = [0n, 0n];
  for (const share of shares) {
    sizeBytes += share.sizeBytes;
    sharedBytes += share.sharedBytes;
  }
  return { sizeBytes, sharedBytes };
}
