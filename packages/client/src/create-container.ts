import { type CallOptions, Fault, type Labels, type Mount, whole } from '@stowage/core';
import { chainIds } from '@stowage/oci-image';
import {
  composeSpec,
  type SpecOption,
  specBytes,
  withImageConfig,
  withSeccompByDefault,
} from '@stowage/oci-spec';
import type { Snapshotter } from '@stowage/snapshots';
import { ContainerHandle } from './container.ts';
import { DEFAULT_SNAPSHOTTER, type ImageHandle } from './image.ts';
import type { Services } from './services.ts';
import { snapshotUserLookup } from './snapshot-users.ts';

export interface CreateContainerOptions extends CallOptions {
  readonly id: string;
  readonly image: ImageHandle;
  /** Default: `overlayfs`. */
  readonly snapshotter?: string | undefined;
  /** Key of the snapshot that is made for it. Default: the container's id. */
  readonly snapshotKey?: string | undefined;
  /**
   * Told to the snapshotter: `containerd.io/snapshot/uidmapping` and `gidmapping`, for one, show the image's files with
   * the ids of a user namespace, where the snapshotter has the capability `remap-ids`.
   */
  readonly snapshotLabels?: Labels | undefined;
  /** Whom it runs as, instead of the image's: `uid`, `user`, `uid:gid`, `user:group` or mixed. */
  readonly user?: string | undefined;
  /** Stand in for what the image runs by default, behind its entrypoint. `withArgs` in `spec` replaces both. */
  readonly args?: readonly string[] | undefined;
  /**
   * Applied in order to the default spec, after the image's own wishes. System calls are filtered by the default
   * profile for the capabilities that come out, unless one of these decides otherwise (`withoutSeccomp`).
   */
  readonly spec?: readonly SpecOption[] | undefined;
  readonly labels?: Labels | undefined;
  /** Default: `io.containerd.runc.v2`. */
  readonly runtime?: string | undefined;
}

const DEFAULT_RUNTIME = 'io.containerd.runc.v2';

/** With which signal the image wants to be stopped, on its containers. @see containerd client/container_opts.go */
export const STOP_SIGNAL_LABEL = 'io.containerd.image.config.stop-signal';

/**
 * Makes a container with a snapshot of its own, in which the user is looked up.
 *
 * @param leased - holds the snapshot until the container does.
 */
export async function createContainer(
  services: Services,
  leased: Services,
  namespace: string,
  options: CreateContainerOptions,
): Promise<ContainerHandle> {
  const { id, image, snapshotter = DEFAULT_SNAPSHOTTER, snapshotKey = id, signal } = options;
  const config = await image.config({ signal });
  const { stopSignal } = config.config;
  const labels = { ...(stopSignal !== '' && { [STOP_SIGNAL_LABEL]: stopSignal }), ...options.labels };
  const snapshots = leased.snapshotter(snapshotter);
  const parent = chainIds(config.diffIds).at(-1) ?? '';
  const mounts = await whole(
    signal,
    () => prepare(snapshots, snapshotKey, parent, options),
    () => snapshots.remove(snapshotKey),
  );
  const runtime = { name: options.runtime ?? DEFAULT_RUNTIME };
  try {
    const process = { ...config.config, user: options.user ?? config.config.user };
    const wishes = withImageConfig(process, {
      args: options.args,
      lookup: snapshotUserLookup(mounts, { signal }),
    });
    const composed = composeSpec({ namespace, id }, wishes, ...(options.spec ?? []), withSeccompByDefault());
    const spec = specBytes(await composed);
    const record = { id, labels, image: image.name, runtime, spec, snapshotter, snapshotKey };
    await whole(
      signal,
      () => leased.containers.create({ ...record, extensions: {}, sandboxId: '' }),
      () => leased.containers.delete(id),
    );
  } catch (e) {
    await snapshots.remove(snapshotKey);
    throw e;
  }
  return new ContainerHandle(services, id);
}

/** Says what the snapshotter's answer means to whoever wants a container. */
async function prepare(
  snapshots: Snapshotter,
  key: string,
  parent: string,
  { id, image, snapshotLabels: labels }: CreateContainerOptions,
): Promise<readonly Mount[]> {
  try {
    return await snapshots.prepare(key, parent, { labels });
  } catch (e) {
    const what = `create container ${id}`;
    if (Fault.is(e, 'already_exists')) {
      const reason = `its snapshot ${key} exists already; another container of this id may hold it`;
      throw new Fault('already_exists', `${what}: ${reason}`, { cause: e });
    }
    if (Fault.is(e, 'not_found') && parent !== '') {
      throw new Fault('not_found', `${what}: image ${image.name} is not unpacked; unpack it first`, {
        cause: e,
      });
    }
    throw e;
  }
}
