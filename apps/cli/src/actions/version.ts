import { remoteVersion } from '@stowage/introspection/remote';
import type { Command } from 'commander';
import { openTransport } from '../transport.ts';

interface Versions {
  readonly client: { readonly version: string };
  readonly server: { readonly version: string; readonly revision: string };
}

/** Of all services only the one that tells it: loading the others would take longer than asking. */
export async function showVersion(command: Command, own: string, flags: { format: string }): Promise<void> {
  const line = flags.format === 'text' ? undefined : await formatted(flags);
  if (line === undefined) process.stdout.write(`stowage  ${own}\n`);
  await using transport = openTransport(command);
  const server = await remoteVersion(transport).version();
  const revision = server.revision === '' ? '' : ` (${server.revision})`;
  process.stdout.write(
    line === undefined
      ? `daemon   ${server.version}${revision}\n`
      : line({ client: { version: own }, server }),
  );
}

/** What makes a line of it, if the format is not a table. */
async function formatted(flags: { format: string }): Promise<((versions: Versions) => string) | undefined> {
  const { formatOf, lineOf } = await import('../listing.ts');
  const format = formatOf(flags);
  const listing = { fields: [], json: (versions: Versions) => versions };
  if (format.how === 'table') return undefined;
  return (versions) => lineOf(versions, listing, format) ?? '';
}
