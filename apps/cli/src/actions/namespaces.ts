import type { Command } from 'commander';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { labelsText, parsePairs } from '../pairs.ts';
import { table } from '../table.ts';

export async function listNamespaces(command: Command, quiet: boolean): Promise<void> {
  await using client = open(command);
  const rows: string[][] = [];
  for await (const { name, labels } of client.services.namespaces.list())
    rows.push([name, labelsText(labels)]);
  rows.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  if (quiet) for (const [name] of rows) process.stdout.write(`${name}\n`);
  else process.stdout.write(table(['NAMESPACE', 'LABELS'], rows));
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
