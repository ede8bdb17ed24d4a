import type { ImageHistory } from '@stowage/client';
import type { Command } from 'commander';
import type { HistoryFlags } from '../commands/images.ts';
import { open } from '../connection.ts';
import { imageHandle } from '../image-named.ts';
import { formatOf, type Listing, list } from '../listing.ts';
import { formatAge, formatSize } from '../table.ts';

const SHORT = 60;

export async function showHistory(command: Command, text: string, flags: HistoryFlags): Promise<void> {
  const format = formatOf(flags);
  await using client = open(command);
  const image = await imageHandle(client, text, flags.platform);
  await list((await image.history()).reverse(), listing(flags), format);
}

function listing({ trunc }: HistoryFlags): Listing<ImageHistory> {
  const text = (whole = '') => (trunc && whole.length > SHORT ? `${whole.slice(0, SHORT - 3)}...` : whole);
  return {
    fields: [
      { name: 'CreatedSince', heading: 'CREATED', text: ({ created }) => ageOf(created) },
      { name: 'CreatedBy', heading: 'CREATED BY', text: ({ createdBy }) => text(createdBy) },
      { name: 'Size', heading: 'SIZE', text: ({ layer }) => formatSize(layer?.size ?? 0n) },
      { name: 'Comment', heading: 'COMMENT', text: ({ comment }) => text(comment) },
      { name: 'CreatedAt', text: ({ created = '' }) => created },
    ],
    json: (step) => ({ author: undefined, layer: undefined, ...step }),
    name: ({ layer }) => layer?.digest,
  };
}

function ageOf(created: string | undefined): string {
  const at = new Date(created ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? '' : formatAge(at);
}
