import { create } from '@bufbuild/protobuf';
import { BlobCheckSchema, BlobState, type BlobCheck as WireCheck } from '@stowage/api/verification/v1';
import { Fault, parseDigest } from '@stowage/core';
import type { BlobCheck } from './content-verifier.ts';

const STATE_OF: Readonly<Record<BlobCheck['state'], BlobState>> = {
  running: BlobState.RUNNING,
  whole: BlobState.WHOLE,
  corrupt: BlobState.CORRUPT,
  missing: BlobState.MISSING,
};
const NAME_OF = new Map(Object.entries(STATE_OF).map(([name, state]) => [state, name as BlobCheck['state']]));

export function checkToWire({ digest, sizeBytes, checkedBytes, state, reason }: BlobCheck): WireCheck {
  return create(BlobCheckSchema, {
    digest,
    size: sizeBytes,
    checked: checkedBytes,
    state: STATE_OF[state],
    reason,
  });
}

export function checkFromWire(wire: WireCheck | undefined): BlobCheck {
  const state = NAME_OF.get(wire?.state ?? BlobState.UNSPECIFIED);
  if (wire === undefined || state === undefined)
    throw new Fault('internal', 'verify: the server answered without saying how a blob was found');
  const { digest, size, checked, reason } = wire;
  return { digest: parseDigest(digest), sizeBytes: size, checkedBytes: checked, state, reason };
}
