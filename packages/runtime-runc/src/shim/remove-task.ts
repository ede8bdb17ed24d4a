import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { DeleteResponseSchema } from '@stowage/api/task/v3';
import { Fault, unlessGone, validateIdentifier } from '@stowage/core';
import { tryLock } from '@stowage/linux';
import { Mounter } from '@stowage/linux/mounter';
import { readMountInfo } from '@stowage/linux/mountinfo';
import { timestampOf } from '@stowage/rpc';
import type { Exit } from '@stowage/runtime';
import { remoteTaskService } from '@stowage/runtime/remote';
import { ttrpcTransport } from '@stowage/ttrpc';
import { layout } from '../layout.ts';
import { findTasks } from './find.ts';
import { removeLeftTask } from './remove-left-task.ts';

const PATIENCE_MS = 30_000;
const RETRY_MS = 50;
const SIGKILL = 9;
/** What containerd is told where nobody knows: 128 and the signal. */
const KILLED = 128 + SIGKILL;

export interface RemoveOptions {
  readonly state: string;
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
}

type Removed = Exit & { readonly pid: number };

/**
 * Ends a container and removes what is left of it, by its supervisor if there is one, and else by itself. There need
 * be nothing.
 *
 * @returns a `task.DeleteResponse`, the same in versions 2 and 3.
 * @throws if something is left.
 */
export async function removeTask(options: RemoveOptions): Promise<Uint8Array> {
  validateIdentifier(options.namespace, 'namespace');
  validateIdentifier(options.id, 'container id');
  const removed = (await remove(options)) ?? { pid: 0, exitStatus: KILLED, exitedAt: new Date() };
  await unmountRootfs(join(options.bundle, 'rootfs'));
  const { pid, exitStatus, exitedAt } = removed;
  const exitedAtWire = timestampOf(exitedAt);
  return toBinary(
    DeleteResponseSchema,
    create(DeleteResponseSchema, { pid, exitStatus, exitedAt: exitedAtWire }),
  );
}

async function remove(options: RemoveOptions): Promise<Removed | undefined> {
  const { state, namespace } = options;
  await mkdir(state, { recursive: true, mode: 0o700 });
  for (const giveUp = performance.now() + PATIENCE_MS; ; await delay(RETRY_MS)) {
    const address = await findTasks(state, namespace);
    if (address !== undefined) {
      try {
        return await removeRemotely(address, options);
      } catch (e) {
        // It died meanwhile.
        if (!Fault.is(e, 'unavailable') || performance.now() > giveUp) throw e;
        continue;
      }
    }
    // Held by every supervisor for life, so none can be taking the task over.
    using alone = tryLock(layout(state).lock);
    if (alone !== undefined) return await removeLeftTask(options, KILLED);
    if (performance.now() > giveUp) {
      throw new Fault('unavailable', `delete ${options.id}: the supervisor of ${state} does not come up`);
    }
  }
}

async function removeRemotely(path: string, { namespace, id }: RemoveOptions): Promise<Removed | undefined> {
  await using transport = ttrpcTransport({ path });
  const tasks = remoteTaskService(transport, { namespace });
  const options = { signal: AbortSignal.timeout(PATIENCE_MS) };
  try {
    return await unlessGone(tasks.delete({ id }, options));
  } catch (e) {
    if (!Fault.is(e, 'failed_precondition')) throw e;
  }
  await unlessGone(tasks.kill({ id, signal: SIGKILL, all: true }, options));
  await unlessGone(tasks.wait({ id }, options));
  return await unlessGone(tasks.delete({ id }, options));
}

/** Whatever is mounted there, and below. */
async function unmountRootfs(rootfs: string): Promise<void> {
  const mounts = await readMountInfo();
  if (!mounts.some(({ mountPoint }) => mountPoint === rootfs || mountPoint.startsWith(`${rootfs}/`))) return;
  await using mounter = new Mounter();
  await mounter.unmount(rootfs, { recursive: true, lazy: true });
}
