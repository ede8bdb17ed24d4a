import type { Mount } from '@stowage/core';
import { inflated } from '../../src/inflate.ts';
import { pieces, type Workspace } from '../workspace.ts';

/** Who unpacks. It may throw a Fault: a refusal. */
export type Subject = (
  at: Workspace,
  mounts: readonly Mount[],
  bytes: Uint8Array,
  signal: AbortSignal,
) => Promise<{ readonly needsBelow: boolean }>;

export const unpackerSubject: Subject = (at, mounts, bytes, signal) =>
  at.unpacker.unpack(mounts, (stop) => inflated(pieces(bytes), stop), { signal });
