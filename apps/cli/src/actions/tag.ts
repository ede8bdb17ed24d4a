import { normalizeReference } from '@stowage/registry';
import type { Command } from 'commander';
import { open } from '../connection.ts';
import { imageNamed } from '../image-named.ts';

export async function tag(command: Command, image: string, text: string): Promise<void> {
  const target = normalizeReference(text);
  await using client = open(command);
  const { name } = await imageNamed(client, image);
  await client.tag(name, target);
  process.stdout.write(`${target}\n`);
}
