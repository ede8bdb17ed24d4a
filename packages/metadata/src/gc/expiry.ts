import type { Message } from '@bufbuild/protobuf';
import type { Status } from '@stowage/api/content/v1';
import type { Labels } from '@stowage/core';
import { labelExpiry } from '@stowage/gc';
import { dateOf } from '@stowage/rpc';

const INGEST_LIFE_MS = 24 * 60 * 60 * 1000;

/** When a lease or an image expires. */
export function expiryOf(message: Message): Date | undefined {
  const { labels } = message as Message & { readonly labels?: Labels };
  return labels && labelExpiry(labels);
}

/** When an ingest that no lease holds expires; undefined for one that a lease held. */
export function ingestExpiry({ updatedAt }: Status): Date | undefined {
  const opened = dateOf(updatedAt);
  return opened && new Date(opened.getTime() + INGEST_LIFE_MS);
}

export function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
