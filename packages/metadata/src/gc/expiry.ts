import type { Message } from '@bufbuild/protobuf';
import type { Status } from '@stowage/api/content/v1';
import { LABEL, type Labels } from '@stowage/core';
import { dateOf } from '@stowage/rpc';

const INGEST_LIFE_MS = 24 * 60 * 60 * 1000;

/** When a lease or an image expires, by its label. One that is no time means never (containerd core/metadata/gc.go). */
export function expiryOf(message: Message): Date | undefined {
  const { labels } = message as Message & { readonly labels?: Labels };
  const text =
    labels !== undefined && Object.hasOwn(labels, LABEL.gcExpire) ? labels[LABEL.gcExpire] : undefined;
  const at = new Date(text ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? undefined : at;
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
