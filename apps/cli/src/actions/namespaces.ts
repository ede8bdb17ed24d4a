import type { Namespace } from '@stowage/namespaces';
import type { Command } from 'commander';
import type { ListFormatFlags } from '../commands/format-options.ts';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { formatOf, type Listing, list } from '../listing.ts';
import { labelsText, parsePairs } from '../pairs.ts';

const LISTING: Listing<Namespace> = {
  fields: [
    { name: 'Name', heading: 'NAMESPACE', text: ({ name }) => name },
    { name: 'Labels', heading: 'LABELS', text: ({ labels }) => labelsText(labels) },
  ],
  json: ({ name, labels }) => ({ name, labels }),
  name: ({ name }) => name,
};

export async function listNamespaces(command: Command, flags: ListFormatFlags): Promise<void> {
  const format = formatOf(flags);
  await using client = open(command);
  const all = await Array.fromAsync(client.services.namespaces.list());
  const sorted = all.sort((a, b) => (a.name < b.name ? -1 : 1));
  await list(sorted, LISTING, format);
}

export async function createNamespace(
  command: Command,
  name: string,
  entries: readonly string[],
): Promise<void> {
  const labels = parsePairs('label', entries);
  await using client = open(command);
  await client.services.namespaces.create({ name, labels });
  process.stdout.write(`${name}\n`);
}

export async function labelNamespace(
  command: Command,
  name: string,
  entries: readonly string[],
): Promise<void> {
  const labels = parsePairs('label', entries);
  await using client = open(command);
  const paths = Object.keys(labels).map((key) => `labels.${key}`);
  await client.services.namespaces.update({ name, labels }, paths);
  process.stdout.write(`${name}\n`);
}

/** @returns the exit code: not 0 if any is left. */
export async function removeNamespaces(command: Command, names: readonly string[]): Promise<number> {
  await using client = open(command);
  return await eachOf(names, async (name) => {
    await client.services.namespaces.delete(name);
    process.stdout.write(`${name}\n`);
  });
}
