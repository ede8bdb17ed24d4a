import type { ManifestCheck } from '@stowage/client';
import { type Descriptor, formatPlatform } from '@stowage/core';
import type { Command } from 'commander';
import type { LookFlags } from '../commands/image.ts';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { imagesNamed } from '../image-named.ts';
import { jsonLine } from '../json.ts';
import { formatSize, table } from '../table.ts';

/** @returns the exit code: 1 if there is an image of which no platform is whole. */
export async function checkImages(
  command: Command,
  texts: readonly string[],
  { json }: LookFlags,
): Promise<number> {
  await using client = open(command);
  const rows: string[][] = [];
  let isWhole = true;
  const names = await imagesNamed(client, texts);
  const exitCode = await eachOf(names, async (name) => {
    let hasWhole = false;
    for await (const check of client.checkImage(name)) {
      hasWhole ||= check.state === 'complete';
      if (json) process.stdout.write(jsonLine({ name, ...check, platform: platformOf(check) }));
      else rows.push([name, ...cells(check)]);
    }
    isWhole &&= hasWhole;
  });
  if (!json)
    process.stdout.write(table(['NAME', 'PLATFORM', 'STATE', 'BLOBS', 'SIZE', 'MISSING', 'UNPACKED'], rows));
  return exitCode !== 0 ? exitCode : isWhole ? 0 : 1;
}

function cells(check: ManifestCheck): string[] {
  const { state, present, missing, unpackedIn } = check;
  return [
    platformOf(check) ?? '-',
    state,
    state === 'absent' ? '-' : `${present.length}/${present.length + missing.length}`,
    formatSize(sizeOf(present)),
    state === 'complete' ? '-' : formatSize(sizeOf(missing)),
    unpackedIn.join(',') || '-',
  ];
}

const platformOf = ({ platform }: ManifestCheck) =>
  platform === undefined ? undefined : formatPlatform(platform);

const sizeOf = (blobs: readonly Descriptor[]) => blobs.reduce((sum, { size }) => sum + size, 0n);
