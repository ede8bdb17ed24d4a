import { constants } from 'node:fs';
import { Digester, Fault, type FaultKind, type Mount, reasonOf } from '@stowage/core';
import { close, hasCode, open } from '@stowage/linux';
import { mountAll } from '@stowage/linux/blocking';
import { enterPrivateRoot } from '@stowage/linux/confine';
import { pathsOf, realPath } from '../unpack/own-mounts.ts';
import { ArchiveStream } from './archive-stream.ts';
import type { PackJob, PackOutcome } from './jobs.ts';
import { LayerWriter } from './layer-writer.ts';
import { Walk } from './walk.ts';
import { NotPlain } from './xattrs.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/** The reader gave the archive up. */
export class PackAborted extends Error {
  override readonly name = 'PackAborted';
}

/** What is wrong when the kernel refuses. */
const KINDS: Readonly<Record<string, FaultKind>> = {
  EMFILE: 'resource_exhausted',
  ENFILE: 'resource_exhausted',
  ENOMEM: 'resource_exhausted',
  EIO: 'data_loss',
  EUCLEAN: 'data_loss',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
};

/** What was seen a moment ago is gone, or something else. */
const CHANGED = ['ENOENT', 'ENODATA', 'ENOTDIR', 'ESTALE'];

/**
 * Compares two trees, mounted where only this thread sees them, and sends what changed as an archive. Once in the life of
 * a thread, which must end afterwards: its mounts end with it.
 *
 * The thread keeps its root, since reading does not follow names that others choose: see `Directory`.
 */
export function pack(
  job: PackJob,
  send: (piece: Uint8Array<ArrayBuffer>) => void,
  check: () => void,
): PackOutcome {
  const { left, right, upper, places, mostMtimeNs } = job;
  try {
    // Before the mounts change: a digest may have to be loaded.
    const digester = new Digester();
    const stream = new ArchiveStream((piece) => {
      digester.update(piece);
      send(piece);
    });
    const writer = new LayerWriter(stream, { mostMtimeNs, check });
    const kept = [...pathsOf(left), ...pathsOf(right), places.left, places.right];
    enterPrivateRoot(kept.flatMap(realPath));
    using leftTree = mounted(left, places.left);
    using rightTree = mounted(right, places.right);
    new Walk(writer, { upper, check }).run(leftTree.fd, rightTree.fd);
    stream.end();
    return { status: 'done', digest: digester.digest(), sizeBytes: digester.sizeBytes };
  } catch (e) {
    if (e instanceof PackAborted) return { status: 'aborted' };
    if (e instanceof NotPlain) return { status: 'not-plain' };
    return { status: 'failed', kind: kindOf(e), message: messageOf(e) };
  }
}

function mounted(mounts: readonly Mount[], place: string): { fd: number } & Disposable {
  try {
    mountAll(mounts, place);
  } catch (e) {
    if (Fault.is(e) || hasCode(e, 'EPERM')) throw e;
    throw new Fault('failed_precondition', `diff: ${reasonOf(e)}`, { cause: e });
  }
  const fd = open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  return { fd, [Symbol.dispose]: () => close(fd) };
}

function kindOf(e: unknown): FaultKind | undefined {
  if (Fault.is(e)) return e.kind;
  if (hasCode(e, ...CHANGED)) return 'failed_precondition';
  const { code } = e as { code?: unknown };
  return typeof code === 'string' ? KINDS[code] : undefined;
}

function messageOf(e: unknown): string {
  if (Fault.is(e)) return e.message;
  return `diff: ${hasCode(e, ...CHANGED) ? 'it changed while it was read: ' : ''}${reasonOf(e)}`;
}
