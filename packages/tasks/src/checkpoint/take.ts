import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Descriptor, errnoOf, Fault, type TypedBytes } from '@stowage/core';
import type { TaskService } from '@stowage/runtime';
import { imagePathOf, specToBytes } from '../convert.ts';
import { writeCheckpoint } from './write.ts';

export interface TakeCheckpoint {
  readonly id: string;
  readonly service: Pick<TaskService, 'checkpoint'>;
  /** Of the container. */
  readonly spec: TypedBytes | undefined;
  /** `containerd.runc.v1.CheckpointOptions` */
  readonly how: TypedBytes | undefined;
  /** Of the task. */
  readonly bundle: string;
  content(): ContentStore;
}

/**
 * Checkpoints a task into the directory that its options name, or else into the content store by way of one in the
 * bundle.
 *
 * @returns the blobs, images first; none where a directory was named.
 */
export async function takeCheckpoint(
  { id, service, spec, how, bundle, content }: TakeCheckpoint,
  options: CallOptions,
): Promise<Descriptor[]> {
  const named = imagePathOf(how);
  if (named !== '') {
    await service.checkpoint({ id, path: named, options: how }, options);
    return [];
  }
  if (spec === undefined) throw new Fault('invalid_argument', `checkpoint ${id}: container has no spec`);
  const store = content();
  // There for a task alone; and what a death leaves in it goes with the task.
  const path = await mkdtemp(join(bundle, 'images-')).catch((e: unknown) => {
    if (errnoOf(e) !== 'ENOENT') throw e;
    throw new Fault('not_found', `checkpoint ${id}: it has no task`, { cause: e });
  });
  try {
    await service.checkpoint({ id, path, options: how }, options);
    return await writeCheckpoint(store, path, specToBytes(spec), options);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}
