import { create } from '@bufbuild/protobuf';
import { InfoSchema, type Info as WireInfo } from '@stowage/api/content/v1';
import { type BlobInfo, DAMAGED_LABEL } from '@stowage/content';
import { cleanLabels, type Digest, Fault, type FieldAdaptor, labelsField } from '@stowage/core';
import { dateOf, timestampOf } from '@stowage/rpc';

export function blobOf({ digest, size, createdAt, updatedAt, labels }: WireInfo): BlobInfo {
  const epoch = new Date(0);
  return {
    digest: digest as Digest,
    sizeBytes: size,
    createdAt: dateOf(createdAt) ?? epoch,
    updatedAt: dateOf(updatedAt) ?? epoch,
    labels: cleanLabels(labels),
  };
}

/** A client may give back the labels of a list, with the mark of a damaged blob among them: it is not kept. */
export function blobRecord({ digest, sizeBytes, createdAt, updatedAt, labels }: BlobInfo): WireInfo {
  return create(InfoSchema, {
    digest,
    size: sizeBytes,
    createdAt: timestampOf(createdAt),
    updatedAt: timestampOf(updatedAt),
    labels: cleanLabels({ ...labels, [DAMAGED_LABEL]: '' }),
  });
}

export function blobFields({ digest, labels }: BlobInfo): FieldAdaptor {
  return (path) => {
    if (path[0] === 'digest') return digest;
    return path[0] === 'labels' ? labelsField(labels, path) : undefined;
  };
}

export function blobNotFound(digest: Digest): Fault {
  return new Fault('not_found', `content ${digest}: not found`);
}

export function blobExists(digest: Digest): Fault {
  return new Fault('already_exists', `content ${digest}: already exists`);
}
