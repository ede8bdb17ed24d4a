import { DAMAGED_LABEL } from '@stowage/content';
import { algorithmOf, Digester, Fault, parseDigest } from '@stowage/core';
import type { Command } from 'commander';
import type { ListContentFlags } from '../commands/content.ts';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { formatAge, formatSize, table } from '../table.ts';
import { written } from '../written.ts';

export async function listContent(command: Command, { filter, quiet }: ListContentFlags): Promise<void> {
  await using client = open(command);
  const rows: string[][] = [];
  for await (const { digest, sizeBytes, createdAt, labels } of client.services.content.list(filter)) {
    const state = DAMAGED_LABEL in labels ? 'damaged' : '';
    if (quiet) process.stdout.write(`${digest}\n`);
    else rows.push([digest, formatSize(sizeBytes), formatAge(createdAt), state]);
  }
  if (!quiet) process.stdout.write(table(['DIGEST', 'SIZE', 'CREATED', 'STATE'], rows));
}

/** Checks the bytes here as well: containerd serves whatever the disk gives. */
export async function catContent(command: Command, text: string): Promise<void> {
  const digest = parseDigest(text);
  await using client = open(command);
  using interrupt = interruptible();
  const digester = new Digester(algorithmOf(digest));
  for await (const chunk of client.services.content.read(digest, {}, { signal: interrupt.signal })) {
    digester.update(chunk);
    await written(chunk);
  }
  const found = digester.digest();
  if (found !== digest) {
    throw new Fault(
      'data_loss',
      `read ${digest}: its ${digester.sizeBytes} bytes hash to ${found}; use none of them`,
    );
  }
}

export async function showContent(command: Command, text: string): Promise<void> {
  await using client = open(command);
  const { digest, sizeBytes, createdAt, updatedAt, labels } = await client.services.content.info(
    parseDigest(text),
  );
  const shown = { digest, size: Number(sizeBytes), createdAt, updatedAt, labels };
  process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
}

/** @returns the exit code: 1 if any of them could not be removed. */
export async function removeContent(command: Command, texts: readonly string[]): Promise<number> {
  const digests = texts.map(parseDigest);
  await using client = open(command);
  return await eachOf(digests, async (digest) => {
    await client.services.content.delete(digest);
    process.stdout.write(`${digest}\n`);
  });
}
