import { create } from '@bufbuild/protobuf';
import { type Info, InfoSchema, type Status, StatusSchema } from '@stowage/api/content/v1';
import { cleanLabels, type Digest, Fault, parseDigest } from '@stowage/core';
import { dateOf, timestampOf } from '@stowage/rpc';
import type { BlobInfo, IngestStatus } from './content-store.ts';

export function infoToWire({ digest, sizeBytes, createdAt, updatedAt, labels }: BlobInfo): Info {
  return create(InfoSchema, {
    digest,
    size: sizeBytes,
    createdAt: timestampOf(createdAt),
    updatedAt: timestampOf(updatedAt),
    labels: { ...labels },
  });
}

export function infoFromWire(wire: Info | undefined): BlobInfo {
  if (wire === undefined) throw new Fault('internal', 'content: the server answered without an info');
  const { digest, size, createdAt, updatedAt, labels } = wire;
  return {
    digest: parseDigest(digest),
    sizeBytes: size,
    createdAt: dateOf(createdAt) ?? new Date(0),
    updatedAt: dateOf(updatedAt) ?? new Date(0),
    labels: cleanLabels(labels),
  };
}

export function statusToWire({ ref, offset, total, expected, startedAt, updatedAt }: IngestStatus): Status {
  return create(StatusSchema, {
    ref,
    offset,
    total,
    expected: expected ?? '',
    startedAt: timestampOf(startedAt),
    updatedAt: timestampOf(updatedAt),
  });
}

export function statusFromWire(wire: Status | undefined): IngestStatus {
  if (wire === undefined) throw new Fault('internal', 'content: the server answered without a status');
  const { ref, offset, total, expected, startedAt, updatedAt } = wire;
  return {
    ref,
    offset,
    total,
    expected: digestFromWire(expected),
    startedAt: dateOf(startedAt) ?? new Date(0),
    updatedAt: dateOf(updatedAt) ?? new Date(0),
  };
}

/** An optional digest: empty means none. @throws Fault `invalid_argument` */
export function digestFromWire(text: string): Digest | undefined {
  return text === '' ? undefined : parseDigest(text);
}

/** A size that 0, or what is no size, leaves open. */
export function sizeFromWire(size: bigint): bigint | undefined {
  return size > 0n ? size : undefined;
}
