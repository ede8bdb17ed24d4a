import { remoteVersion } from '@stowage/introspection/remote';
import type { Command } from 'commander';
import { openTransport } from '../transport.ts';

/** Of all services only the one that tells it: loading the others would take longer than asking. */
export async function showVersion(command: Command, own: string): Promise<void> {
  process.stdout.write(`stowage  ${own}\n`);
  await using transport = openTransport(command);
  const { version, revision } = await remoteVersion(transport).version();
  process.stdout.write(`daemon   ${version}${revision === '' ? '' : ` (${revision})`}\n`);
}
