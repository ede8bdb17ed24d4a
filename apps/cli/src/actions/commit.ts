import { normalizeReference } from '@stowage/registry';
import type { Command } from 'commander';
import type { CommitFlags } from '../commands/files.ts';
import { open } from '../connection.ts';
import { changeConfig } from '../image-changes.ts';
import { interruptible } from '../interrupt.ts';

export async function commit(command: Command, id: string, text: string, flags: CommitFlags): Promise<void> {
  const { author, message, change: changes, pause } = flags;
  const name = normalizeReference(text);
  const change = changeConfig(changes);
  await using client = open(command);
  using interrupt = interruptible('No image was made.');
  const { signal } = interrupt;
  const container = await client.container(id, { signal });
  const image = await container.commit(name, { author, comment: message, change, pause, signal });
  process.stdout.write(`${image.target.digest}\n`);
}
