import { type CallOptions, type Descriptor, hostPlatform, type Platform } from '@stowage/core';
import type { DeleteImageOptions, Image } from '@stowage/images';
import { openLease } from '@stowage/leases';
import {
  type ContainerConfig,
  chainIds,
  chooseManifest,
  type ImageConfig,
  type ImageManifest,
  type OnProgress,
  readConfig,
  unpackImage,
} from '@stowage/oci-image';
import { historyOf, type ImageHistory } from './history.ts';
import { layersAtATime } from './layers-at-a-time.ts';
import { reported } from './report.ts';
import type { Services } from './services.ts';

export interface UnpackOptions extends CallOptions {
  /** Default: `overlayfs`. */
  readonly snapshotter?: string | undefined;
  /** Layers unpacked at a time, if the snapshotter has the capability `rebase`; else it is one. Default 1. */
  readonly concurrency?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export const DEFAULT_SNAPSHOTTER = 'overlayfs';

/** An image of the daemon, seen for one platform. */
export class ImageHandle {
  readonly name: string;
  readonly target: Descriptor;
  readonly platform: Platform;
  readonly #services: Services;

  constructor(
    services: Services,
    image: Pick<Image, 'name' | 'target'>,
    platform: Platform = hostPlatform(),
  ) {
    this.#services = services;
    this.name = image.name;
    this.target = image.target;
    this.platform = platform;
  }

  /** @throws Fault `not_found` if it has nothing for the platform, or lacks content. */
  async manifest(options?: CallOptions): Promise<ImageManifest> {
    return (await chooseManifest(this.#services.content, this.target, this.platform, options)).manifest;
  }

  async config(options?: CallOptions): Promise<ImageConfig> {
    return readConfig(this.#services.content, (await this.manifest(options)).config, options);
  }

  /** How it was built, from the base up, with the layer that each step made. */
  async history(options?: CallOptions): Promise<ImageHistory[]> {
    const manifest = await this.manifest(options);
    return historyOf(await readConfig(this.#services.content, manifest.config, options), manifest);
  }

  /** How it wants to run. */
  async containerConfig(options?: CallOptions): Promise<ContainerConfig> {
    return (await this.config(options)).config;
  }

  /** Bytes of its manifest, config and layers, compressed as they are. */
  async size(options?: CallOptions): Promise<bigint> {
    const { descriptor, manifest } = await chooseManifest(
      this.#services.content,
      this.target,
      this.platform,
      options,
    );
    return [manifest.config, ...manifest.layers].reduce((sum, d) => sum + d.size, descriptor.size);
  }

  /**
   * Makes snapshots of its layers, those that are not there yet.
   *
   * @returns as {@link rootfs}.
   */
  unpack(options: UnpackOptions = {}): Promise<string> {
    return reported(this.#services.operations, { kind: 'unpack', subject: this.name }, options, (told) =>
      this.#unpack({ ...options, ...told }),
    );
  }

  async #unpack(options: UnpackOptions): Promise<string> {
    const { snapshotter: snapshotterName = DEFAULT_SNAPSHOTTER, onProgress, signal } = options;
    const concurrency = await layersAtATime(this.#services, snapshotterName, options.concurrency, { signal });
    const { manifest } = await chooseManifest(this.#services.content, this.target, this.platform, { signal });
    // Nothing but a lease holds a snapshot that is being made.
    await using lease = await openLease(this.#services.leases, { signal });
    const { content, differ, ...services } = this.#services.leased(lease.id);
    const snapshotter = services.snapshotter(snapshotterName);
    const source = { content, snapshotter, snapshotterName, differ, manifest };
    const { chainId = '' } = await unpackImage({ ...source, concurrency, onProgress, signal });
    return chainId;
  }

  /** Name of its topmost snapshot: what a container's root file system is made on. Empty for an image of no layers. */
  async rootfs(options?: CallOptions): Promise<string> {
    const { diffIds } = await this.config(options);
    return chainIds(diffIds).at(-1) ?? '';
  }

  /**
   * Removes the name. What nothing else holds goes at the next collection; with `sync`, before this returns. Containers
   * that were made from it stay as they are.
   *
   * @throws Fault `not_found`
   */
  remove(options?: DeleteImageOptions): Promise<void> {
    return this.#services.images.delete(this.name, options);
  }
}
