import type { Transport } from '@connectrpc/connect';
import { type CallOptions, Fault, hostPlatform, type Labels, parsePlatform, type Scope } from '@stowage/core';
import { fetchImage, importArchive, type OnProgress, pullImage } from '@stowage/oci-image';
import { composeSpec, type SpecOption, specBytes, withImageConfig } from '@stowage/oci-spec';
import { openRegistry } from '@stowage/registry';
import { unixTransport } from '@stowage/rpc/transport';
import { ContainerHandle } from './container.ts';
import { DEFAULT_SNAPSHOTTER, ImageHandle } from './image.ts';
import { type LeaseHandle, type LeaseOptions, openLease } from './lease.ts';
import { ProcessIo } from './process-io.ts';
import { remoteServices, type Services } from './services.ts';
import { TaskHandle } from './task.ts';

export interface ClientOptions {
  /** Whose objects; empty for calls that need no namespace. */
  readonly namespace: string;
}

export interface PullOptions extends CallOptions {
  /** Makes snapshots too. */
  readonly unpack?: boolean | undefined;
  readonly snapshotter?: string | undefined;
  /** `os/architecture[/variant]`. Default: the client's own. */
  readonly platform?: string | undefined;
  /** Speaks HTTP to the registry. Default: to loopback only. */
  readonly plainHttp?: boolean | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface CreateContainerOptions extends CallOptions {
  readonly id: string;
  readonly image: ImageHandle;
  /** Default: `overlayfs`. */
  readonly snapshotter?: string | undefined;
  /** Key of the snapshot that is made for it. Default: the container's id. */
  readonly snapshotKey?: string | undefined;
  /** Applied in order to the default spec, after the image's own wishes. */
  readonly spec?: readonly SpecOption[] | undefined;
  readonly labels?: Labels | undefined;
  /** Default: `io.containerd.runc.v2`. */
  readonly runtime?: string | undefined;
}

const DEFAULT_RUNTIME = 'io.containerd.runc.v2';

/** Reaches a daemon, ours or containerd, at its socket. Dials at the first call. */
export function connect(address: string, options: ClientOptions): Client {
  const transport = unixTransport(address);
  return new Client(transport, options, () => transport[Symbol.asyncDispose]());
}

/**
 * A daemon, in one namespace. {@link services} are its services one by one; the methods put them together.
 *
 * What spans several calls holds a lease for as long as it takes, so that nothing is collected half-made.
 */
export class Client implements AsyncDisposable {
  readonly services: Services;
  readonly #transport: Transport;
  readonly #scope: Scope;
  readonly #close: (() => PromiseLike<void>) | undefined;

  /**
   * @param transport - to a daemon, or an engine's in-memory one.
   * @param close - called when the client is disposed; by default the transport stays the caller's.
   */
  constructor(transport: Transport, options: ClientOptions | Scope, close?: () => PromiseLike<void>) {
    this.#transport = transport;
    this.#scope = options;
    this.#close = close;
    this.services = remoteServices(transport, options);
  }

  /** The same daemon under a lease: what is made through `client` is held by it. */
  async lease(options: LeaseOptions = {}): Promise<LeaseHandle & { readonly client: Client }> {
    const lease = await openLease(this.services.leases, options);
    const client = new Client(this.#transport, { ...this.#scope, lease: lease.id });
    return { ...lease, client };
  }

  /**
   * Gets an image from its registry, straight into the daemon's content store. What is there already is not fetched
   * again, and what an earlier pull left half-way goes on where it was.
   *
   * @param reference - `host/repository:tag` or `host/repository@digest`.
   * @throws Fault `unavailable` if the registry does not answer; `not_found`; `unauthenticated`.
   */
  async pull(reference: string, options: PullOptions = {}): Promise<ImageHandle> {
    const {
      unpack,
      snapshotter: snapshotterName = DEFAULT_SNAPSHOTTER,
      plainHttp,
      onProgress,
      signal,
    } = options;
    const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
    await using registry = openRegistry({ plainHttp });
    const { name, descriptor } = await registry.resolve(reference, { signal });
    await using lease = await this.lease({ signal });
    const { services } = lease.client;
    const source = { fetcher: registry, content: services.content, name, descriptor, onProgress, signal };
    if (unpack) {
      const snapshotter = services.snapshotter(snapshotterName);
      const into = { snapshotterName, snapshotter, differ: services.differ };
      await pullImage({ ...source, platform, unpack: into });
    } else {
      await fetchImage({ ...source, platforms: [platform] });
    }
    await this.#record(name, descriptor, signal);
    return new ImageHandle(this.services, { name, target: descriptor }, platform);
  }

  /**
   * Reads an archive, OCI layout or `docker save`, into the daemon.
   *
   * @throws Fault `invalid_argument` for a malformed one; what it held by then goes at the next collection.
   */
  async importImages(archive: AsyncIterable<Uint8Array>, options: CallOptions = {}): Promise<ImageHandle[]> {
    const { signal } = options;
    await using lease = await this.lease({ signal });
    const found = await importArchive(archive, lease.client.services.content, { signal });
    for (const { name, target } of found) await this.#record(name, target, signal);
    return found.map((image) => new ImageHandle(this.services, image));
  }

  /** @throws Fault `not_found` */
  async image(name: string, options?: CallOptions): Promise<ImageHandle> {
    return new ImageHandle(this.services, await this.services.images.get(name, options));
  }

  /**
   * Makes a container with a snapshot of its own on an image that is unpacked.
   *
   * @throws Fault `already_exists`; `not_found` if the image is not unpacked. Nothing is left then.
   */
  async createContainer(options: CreateContainerOptions): Promise<ContainerHandle> {
    const { id, image, snapshotter = DEFAULT_SNAPSHOTTER, snapshotKey = id, labels = {}, signal } = options;
    const config = await image.containerConfig({ signal });
    const subject = { namespace: this.#scope.namespace, id };
    const spec = specBytes(await composeSpec(subject, withImageConfig(config), ...(options.spec ?? [])));
    await using lease = await this.lease({ signal });
    const { services } = lease.client;
    const snapshots = services.snapshotter(snapshotter);
    await snapshots.prepare(snapshotKey, await image.rootfs({ signal }), { signal });
    try {
      await services.containers.create(
        {
          id,
          labels,
          image: image.name,
          runtime: { name: options.runtime ?? DEFAULT_RUNTIME },
          spec,
          snapshotter,
          snapshotKey,
          extensions: {},
          sandboxId: '',
        },
        { signal },
      );
    } catch (e) {
      await snapshots.remove(snapshotKey);
      throw e;
    }
    return new ContainerHandle(this.services, id, true);
  }

  /** A container that is there; its snapshot goes with it. @throws Fault `not_found` */
  async container(id: string, options?: CallOptions): Promise<ContainerHandle> {
    await this.services.containers.get(id, options);
    return new ContainerHandle(this.services, id, true);
  }

  /** A task that is there, without its streams. Disposing it leaves it alone. @throws Fault `not_found` */
  async task(containerId: string, options?: CallOptions): Promise<TaskHandle> {
    await this.services.tasks.get({ containerId }, options);
    return new TaskHandle(this.services.tasks, containerId, await ProcessIo.open(), 'borrowed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close?.();
  }

  async #record(name: string, target: ImageHandle['target'], signal: AbortSignal | undefined): Promise<void> {
    const { images } = this.services;
    try {
      await images.create({ name, target, labels: {} }, { signal });
    } catch (e) {
      if (!Fault.is(e, 'already_exists')) throw e;
      await images.update({ name, target, labels: {} }, ['target'], { signal });
    }
  }
}
