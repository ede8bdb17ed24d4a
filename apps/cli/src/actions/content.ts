import { type BlobInfo, DAMAGED_LABEL } from '@stowage/content';
import { algorithmOf, Digester, Fault, parseDigest } from '@stowage/core';
import type { Command } from 'commander';
import type { ListContentFlags } from '../commands/content.ts';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { formatOf, type Listing, list } from '../listing.ts';
import { labelsText } from '../pairs.ts';
import { styleOfState } from '../screen.ts';
import { formatAge, formatSize } from '../table.ts';
import { written } from '../written.ts';

const stateOf = ({ labels }: BlobInfo) => (DAMAGED_LABEL in labels ? 'damaged' : '');

const LISTING: Listing<BlobInfo> = {
  fields: [
    { name: 'Digest', heading: 'DIGEST', text: ({ digest }) => digest },
    { name: 'Size', heading: 'SIZE', text: ({ sizeBytes }) => formatSize(sizeBytes) },
    { name: 'CreatedSince', heading: 'CREATED', text: ({ createdAt }) => formatAge(createdAt) },
    { name: 'State', heading: 'STATE', text: stateOf, style: (info) => styleOfState(stateOf(info)) },
    { name: 'Labels', text: ({ labels }) => labelsText(labels) },
  ],
  json: ({ digest, sizeBytes, createdAt, updatedAt, labels }) => ({
    ...{ digest, sizeBytes, createdAt, updatedAt, labels },
  }),
  name: ({ digest }) => digest,
};

export async function listContent(command: Command, flags: ListContentFlags): Promise<void> {
  const format = formatOf(flags);
  await using client = open(command);
  await list(client.services.content.list(flags.filter), LISTING, format);
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
