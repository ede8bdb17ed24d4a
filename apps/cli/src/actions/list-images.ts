import type { Client } from '@stowage/client';
import { Fault } from '@stowage/core';
import type { Image } from '@stowage/images';
import type { Command } from 'commander';
import type { ListFormatFlags } from '../commands/format-options.ts';
import { open } from '../connection.ts';
import { formatOf, type Listing, list } from '../listing.ts';
import { labelsText } from '../pairs.ts';
import { formatAge, formatSize } from '../table.ts';

interface Row {
  readonly image: Image;
  /** Undefined of one that is not for this platform, or incomplete, or broken. */
  readonly sizeBytes: bigint | undefined;
}

const LISTING: Listing<Row> = {
  fields: [
    { name: 'Name', heading: 'NAME', text: ({ image }) => image.name },
    { name: 'ID', heading: 'DIGEST', text: ({ image }) => shortDigest(image.target.digest) },
    { name: 'UpdatedSince', heading: 'UPDATED', text: ({ image }) => formatAge(image.updatedAt) },
    {
      name: 'Size',
      heading: 'SIZE',
      text: ({ sizeBytes }) => (sizeBytes === undefined ? '?' : formatSize(sizeBytes)),
    },
    { name: 'Repository', text: ({ image }) => partsOf(image.name).repository },
    { name: 'Tag', text: ({ image }) => partsOf(image.name).tag },
    { name: 'CreatedSince', text: ({ image }) => formatAge(image.createdAt) },
    { name: 'Labels', text: ({ image }) => labelsText(image.labels) },
  ],
  json: ({ image, sizeBytes }) => {
    const { name, target, labels, createdAt, updatedAt } = image;
    const { digest, mediaType } = target;
    return { name, digest, mediaType, sizeBytes, labels, createdAt, updatedAt };
  },
  name: ({ image }) => image.name,
};

export async function listImages(command: Command, flags: ListFormatFlags): Promise<void> {
  const format = formatOf(flags);
  await using client = open(command);
  await list(rows(client, !flags.quiet), LISTING, format);
}

async function* rows(client: Client, withSizes: boolean): AsyncGenerator<Row> {
  for await (const image of client.services.images.list())
    yield { image, sizeBytes: withSizes ? await sizeOf(client, image.name) : undefined };
}

const shortDigest = (digest: string) => digest.slice(digest.indexOf(':') + 1).slice(0, 12);

function partsOf(name: string): { repository: string; tag: string } {
  const [, repository = name, tag = ''] = /^([^@]*?)(?::([^:/@]*))?(?:@.*)?$/.exec(name) ?? [];
  return { repository, tag };
}

/** One image that can't be measured must not hide the others. */
async function sizeOf(client: Client, name: string): Promise<bigint | undefined> {
  try {
    return await (await client.image(name)).size();
  } catch (e) {
    if (Fault.is(e) && e.kind !== 'unavailable') return undefined;
    throw e;
  }
}
