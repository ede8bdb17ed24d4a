import { type Descriptor, formatPlatform } from '@stowage/core';
import { parseReference } from '@stowage/registry';
import type { Command } from 'commander';
import type { PushFlags } from '../commands/registries.ts';
import { open } from '../connection.ts';
import { imageNamed } from '../image-named.ts';
import { interruptible } from '../interrupt.ts';
import { progressView } from '../progress.ts';
import { registryAccess } from '../registry-access.ts';

const RESUME =
  'The registry keeps the layers that went whole: the same push again sends the others only. Nothing has the name yet.';

export async function push(command: Command, text: string, flags: PushFlags): Promise<void> {
  const access = await registryAccess(flags);
  await using client = open(command);
  using interrupt = interruptible(RESUME);
  const { signal } = interrupt;
  const { name } = await imageNamed(client, text, { signal });
  parseReference(name);
  const platforms = flags.allPlatforms ? 'all' : flags.platform.length > 0 ? flags.platform : undefined;
  using progress = progressView(process.stderr, flags);
  const onProgress = progress.update;
  const { descriptor, leftOut } = await client.push(name, { ...access, platforms, signal, onProgress });
  progress[Symbol.dispose]();
  if (platforms === undefined) tellLeftOut(leftOut);
  process.stdout.write(`${descriptor.digest}\n`);
}

/** What was not asked to stay behind; what belongs to no platform is about the others. */
function tellLeftOut(leftOut: readonly Descriptor[]): void {
  const names = leftOut.flatMap(({ platform }) => (platform === undefined ? [] : [formatPlatform(platform)]));
  const told = [...new Set(names)].filter((name) => !name.startsWith('unknown'));
  if (told.length === 0) return;
  const list = `${told.slice(0, 8).join(', ')}${told.length > 8 ? ', ...' : ''}`;
  process.stderr.write(
    `stowage: went without ${list}, which are not here\nTo push these too: stowage pull --all-platforms, then push again.\n`,
  );
}
