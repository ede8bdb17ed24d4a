import { type Client, mountedApart } from '@stowage/client';
import { type CallOptions, errnoOf, Fault, reasonOf, unlessGone } from '@stowage/core';
import { Tree } from './tree.ts';

/** The files of a container, as its processes see them; of one that does not run, as they will. */
export interface ContainerTree extends AsyncDisposable {
  readonly tree: Tree;
}

/**
 * Takes root on the daemon's machine.
 *
 * @throws Fault `not_found` if there is no such container; `failed_precondition` if its files can't be reached.
 */
export async function containerTree(
  client: Client,
  id: string,
  { signal }: CallOptions,
): Promise<ContainerTree> {
  const container = await client.services.containers.get(id, { signal });
  const running = await rootOfProcess(client, id, { signal });
  if (running !== undefined)
    return {
      tree: running,
      async [Symbol.asyncDispose]() {
        running[Symbol.dispose]();
      },
    };
  const { snapshotter, snapshotKey } = container;
  if (snapshotKey === '')
    throw new Fault('failed_precondition', `files of ${id}: it does not run, and has no snapshot`);
  const mounts = await client.services.snapshotter(snapshotter).mounts(snapshotKey, { signal });
  const purpose = `files of ${id}`;
  const mounted = await mountedApart(mounts, { purpose, writable: true, signal });
  const tree = Tree.ofContainer(mounted.path);
  return {
    tree,
    async [Symbol.asyncDispose]() {
      tree[Symbol.dispose]();
      await mounted[Symbol.asyncDispose]();
    },
  };
}

/** Undefined if it does not run. */
async function rootOfProcess(client: Client, id: string, options: CallOptions): Promise<Tree | undefined> {
  const { tasks } = client.services;
  const pidOf = async () => {
    const task = await unlessGone(tasks.get({ containerId: id }, options));
    return task?.status === 'running' || task?.status === 'paused' ? task.pid : undefined;
  };
  const pid = await pidOf();
  if (pid === undefined) return undefined;
  let tree: Tree | undefined;
  try {
    tree = Tree.ofContainer(`/proc/${pid}/root`);
    // It was its process still when that was opened, and no other that has the number since.
    if ((await pidOf()) === pid) return tree;
    tree[Symbol.dispose]();
  } catch (e) {
    tree?.[Symbol.dispose]();
    if (errnoOf(e) === 'EACCES' || errnoOf(e) === 'EPERM')
      throw new Fault('permission_denied', `files of ${id}: ${reasonOf(e)}; it takes root`, { cause: e });
    if (errnoOf(e) !== 'ENOENT') throw e;
  }
  return undefined;
}
