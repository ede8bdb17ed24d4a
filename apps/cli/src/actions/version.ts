import type { Command } from 'commander';
import { open } from '../connection.ts';

export async function showVersion(command: Command, own: string): Promise<void> {
  process.stdout.write(`stowage  ${own}\n`);
  await using client = open(command);
  const { version, revision } = await client.services.version.version();
  process.stdout.write(`daemon   ${version}${revision === '' ? '' : ` (${revision})`}\n`);
}
