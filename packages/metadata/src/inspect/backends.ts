import { type CallOptions, type Digest, unlessGone } from '@stowage/core';
import type { ObjectId } from '@stowage/gc';
import type { Stored } from '@stowage/gc/inspect';
import type { Backends } from '../ledger/ledger.ts';

/** Something in a backend, by the backend's name for it. */
export interface InBackend {
  readonly kind: Stored;
  /** Empty unless it is a snapshot. */
  readonly snapshotter: string;
  readonly handle: string;
}

/** A key of it, among those of all backends. */
export function backendKey({ kind, snapshotter, handle }: InBackend): string {
  return `${kind}\0${JSON.stringify(snapshotter)}\0${handle}`;
}

export function inBackend({ kind, snapshotter }: ObjectId, handle: string): InBackend | undefined {
  return kind === 'content' || kind === 'snapshots' || kind === 'ingests'
    ? { kind, snapshotter, handle }
    : undefined;
}

/** Everything that backends list. */
export async function* listBackends(
  { content, snapshotters }: Backends,
  options: CallOptions,
): AsyncGenerator<InBackend> {
  if (content !== undefined) {
    for await (const { digest } of content.list([], options))
      yield { kind: 'content', snapshotter: '', handle: digest };
    for await (const { ref } of content.statuses([], options))
      yield { kind: 'ingests', snapshotter: '', handle: ref };
  }
  for (const [snapshotter, backend] of snapshotters)
    for await (const { name } of backend.list([], options))
      yield { kind: 'snapshots', snapshotter, handle: name };
}

/** @returns undefined if it isn't there, or its backend isn't. */
export async function bytesInBackend(
  { content, snapshotters }: Backends,
  { kind, snapshotter, handle }: InBackend,
  options: CallOptions,
): Promise<bigint | undefined> {
  switch (kind) {
    case 'content':
      return content && (await unlessGone(content.info(handle as Digest, options)))?.sizeBytes;
    case 'ingests':
      return content && (await unlessGone(content.status(handle, options)))?.offset;
    case 'snapshots': {
      const backend = snapshotters.get(snapshotter);
      return backend && (await unlessGone(backend.usage(handle, options)))?.sizeBytes;
    }
  }
}

/** Whether a backend has it; undefined if the backend isn't there. */
export async function isInBackend(
  { content, snapshotters }: Backends,
  { kind, snapshotter, handle }: InBackend,
  options: CallOptions,
): Promise<boolean | undefined> {
  switch (kind) {
    case 'content':
      return content && (await unlessGone(content.info(handle as Digest, options))) !== undefined;
    case 'ingests':
      return content && (await unlessGone(content.status(handle, options))) !== undefined;
    case 'snapshots': {
      const backend = snapshotters.get(snapshotter);
      return backend && (await unlessGone(backend.stat(handle, options))) !== undefined;
    }
  }
}
