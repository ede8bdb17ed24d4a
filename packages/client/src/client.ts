import type { Transport } from '@connectrpc/connect';
import type { CallOptions, Scope } from '@stowage/core';
import type { GarbageInspector } from '@stowage/gc';
import { type Image, recordImage } from '@stowage/images';
import { type LeaseHandle, type LeaseOptions, openLease } from '@stowage/leases';
import {
  type BlobDownloads,
  Downloads,
  type ImageUsage,
  importArchive,
  type ManifestCheck,
  type Progress,
} from '@stowage/oci-image';
import { unixTransport } from '@stowage/rpc/transport';
import { type ClientEvent, clientEvents, type EventOptions } from './client-events.ts';
import { ContainerHandle } from './container.ts';
import { type ContainerLogsOptions, containerLogs } from './container-logs.ts';
import { type ConvertedImage, type ConvertOptions, convert } from './convert.ts';
import { type CreateContainerOptions, createContainer } from './create-container.ts';
import { type ExportOptions, exportImages, exportTo } from './export-images.ts';
import { ImageHandle } from './image.ts';
import { daemonInspector } from './inspector.ts';
import type { LogLine } from './logs/lines.ts';
import { check, type LookOptions, type PruneImagesOptions, prune, usage } from './look-at-images.ts';
import { type IoOptions, ProcessIo } from './process-io.ts';
import { type PullOptions, pull } from './pull.ts';
import { type PushedImage, type PushOptions, push } from './push.ts';
import { reported, reportedBytes } from './report.ts';
import { type RunningContainer, type RunOptions, runContainer } from './run.ts';
import { remoteServices, type Services } from './services.ts';
import { SnapshotHandle, type SnapshotOptions } from './snapshot-handle.ts';
import { TaskHandle } from './task.ts';
import { type ArchiveProgress, archivePart, blobPart, counted, toldToo } from './transfer-progress.ts';
import type { Sink } from './web-streams.ts';
import { type WithProgress, withProgress } from './with-progress.ts';

export interface ClientOptions {
  /** Whose objects; empty for calls that need no namespace. */
  readonly namespace: string;
}

/** Reaches a daemon, ours or containerd, at its socket. Dials at the first call. */
export function connect(address: string, options: ClientOptions): Client {
  const transport = unixTransport(address);
  return new Client(transport, options, () => transport[Symbol.asyncDispose]());
}

/**
 * A daemon, in one namespace. {@link services} are its services one by one; the methods put them together.
 *
 * What spans several calls holds a lease for as long as it takes, so that nothing is collected half-made. It may be
 * aborted at any time, and then rejects with the signal's reason when nothing of it is left.
 */
export class Client implements AsyncDisposable {
  readonly services: Services;
  readonly #transport: Transport;
  readonly #scope: Scope;
  readonly #close: (() => PromiseLike<void>) | undefined;
  #downloads: BlobDownloads = new Downloads().into('');

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
    client.#downloads = this.#downloads;
    return { ...lease, client };
  }

  /**
   * Gets an image from its registry, straight into the daemon's content store. What is there already is not fetched
   * again, and what somebody else is bringing is waited for. A connection that breaks goes on where it was. So does what an
   * earlier pull left half-way that ended without a word, as by a crash; one that fails or is aborted gives up what it has.
   *
   * @param reference - `host/repository:tag` or `host/repository@digest`.
   * @throws Fault `unavailable` if the registry does not answer; `not_found`; `unauthenticated`.
   */
  pull(reference: string, options: PullOptions = {}): WithProgress<ImageHandle, Progress> {
    return withProgress(blobPart, (tell) => {
      const what = { kind: 'pull', subject: reference };
      return reported(this.services.operations, what, toldToo(options, tell), async (told) => {
        await using lease = await this.lease({ signal: told.signal });
        const { services } = lease.client;
        return await pull(this.services, services, reference, { ...options, ...told }, this.#downloads);
      });
    });
  }

  /**
   * Brings an image to the registry that its name says, under that name. Blobs go first, several at a time, and the name
   * last; what is there already is not sent, or taken from another repository of the registry that is known to have it.
   * One that fails or is aborted gives nothing the name, and the next one does not send again what went whole.
   *
   * @param reference - of an image that is here, `host/repository:tag` or `host/repository@digest`; {@link tag} gives names.
   * @throws Fault `not_found` if there is no such image, or something of it is missing; `unauthenticated` or
   *   `permission_denied` if the registry wants a login; `unavailable` if it does not answer.
   */
  push(reference: string, options: PushOptions = {}): WithProgress<PushedImage, Progress> {
    return withProgress(blobPart, (tell) => {
      const what = { kind: 'push', subject: reference };
      return reported(this.services.operations, what, toldToo(options, tell), (told) =>
        push(this.services, reference, { ...options, ...told }),
      );
    });
  }

  /**
   * Gives an image a second name, with the labels of the first. An image of that name is moved, in one step.
   *
   * @throws Fault `not_found` if there is no `source`.
   */
  async tag(source: string, target: string, { signal }: CallOptions = {}): Promise<ImageHandle> {
    const image = await this.services.images.get(source, { signal });
    await recordImage(this.services.images, target, image.target, { labels: image.labels, signal });
    return new ImageHandle(this.services, { name: target, target: image.target });
  }

  /**
   * Makes another form of an image, under another name or the same: other compression, OCI's media types, fewer platforms.
   * What it unpacks to, its configs and its labels stay. Nothing is to be seen of it until it is whole; then the name is made
   * or moved.
   *
   * @throws Fault `not_found` if there is no `source`, or something of it is missing; `failed_precondition` for a layer that
   *   is not what its config says; `invalid_argument` for a damaged one.
   */
  convert(
    source: string,
    name: string,
    options: ConvertOptions = {},
  ): WithProgress<ConvertedImage, Progress> {
    return withProgress(blobPart, (tell) => {
      const what = { kind: 'convert', subject: name };
      return reported(this.services.operations, what, toldToo(options, tell), async (told) => {
        await using lease = await this.lease({ signal: told.signal });
        return await convert(this.services, lease.client.services, source, name, { ...options, ...told });
      });
    });
  }

  /**
   * Tells of each manifest of an image whether all of it is here, and where it is unpacked.
   *
   * @throws Fault `not_found`
   */
  checkImage(name: string, options: LookOptions = {}): AsyncIterable<ManifestCheck> {
    return check(this.services, name, options);
  }

  /** Tells what each image takes of content and snapshots, and how much of that it shares with others. */
  imageUsage(options: LookOptions = {}): AsyncIterable<ImageUsage<Image>> {
    return usage(this.services, options);
  }

  /** Removes images that nothing needs, and tells which: those without a tag, or all that no container was made from. */
  pruneImages(options: PruneImagesOptions = {}): AsyncIterable<Image> {
    return prune(this.services, options);
  }

  /**
   * Images as one archive: an OCI layout that `docker load` reads too, and {@link importImages}.
   *
   * @param names - of images that are here; each goes once.
   * @throws Fault `not_found` before the first byte, if there is no such image, it has nothing for any of the platforms,
   *   or something of it is missing.
   */
  exportImages(names: readonly string[], options: ExportOptions = {}): AsyncIterable<Uint8Array> {
    const what = { kind: 'export', subject: names.join(' ') };
    return reportedBytes(this.services.operations, what, 'write', options, (signal) =>
      exportImages(this.services, names, { ...options, signal }),
    );
  }

  /**
   * The same, into a stream, which is ended, or destroyed if that fails.
   *
   * @returns its length in bytes.
   */
  exportTo(
    names: readonly string[],
    to: Sink,
    options: ExportOptions = {},
  ): WithProgress<bigint, ArchiveProgress> {
    return withProgress(archivePart, (tell) =>
      exportTo(this.exportImages(names, options), to, (bytes) => tell({ stage: 'write', bytes }), options),
    );
  }

  /**
   * Reads an archive, OCI layout or `docker save`, into the daemon. The archive may be a stream of Node or of the web, or
   * any other iterable of bytes.
   *
   * @throws Fault `invalid_argument` for a malformed one; what it held by then goes at the next collection.
   */
  importImages(
    archive: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): WithProgress<ImageHandle[], ArchiveProgress> {
    return withProgress(archivePart, (tell) =>
      reported(this.services.operations, { kind: 'import', subject: '' }, options, async (told) => {
        const { signal } = told;
        await using lease = await this.lease({ signal });
        const bytes = counted(told.counting('read', archive), (sum) => tell({ stage: 'read', bytes: sum }));
        const found = await importArchive(bytes, lease.client.services.content, { signal });
        told.onPhase('commit');
        for (const { name, target } of found)
          await recordImage(this.services.images, name, target, { signal });
        return found.map((image) => new ImageHandle(this.services, image));
      }),
    );
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
    await using lease = await this.lease({ signal: options.signal });
    const { services } = lease.client;
    return await createContainer(this.services, services, this.#scope.namespace, options);
  }

  /**
   * Makes a container and starts it, in one call. Disposing what this gives ends and removes all of it.
   *
   * @throws Fault `not_found` if there is no such image; else as {@link createContainer}, {@link ContainerHandle.createTask}
   *   and its start. Nothing is left then, nor after an abort.
   */
  run(options: RunOptions): Promise<RunningContainer> {
    return runContainer(this, options);
  }

  /** Makes an active snapshot to write to, held until it is disposed. See {@link SnapshotHandle}. */
  prepareSnapshot(options: SnapshotOptions = {}): Promise<SnapshotHandle> {
    return SnapshotHandle.open(this.services, this.#scope.lease !== undefined, 'active', options);
  }

  /** Makes a view to read, held until it is disposed. See {@link SnapshotHandle}. */
  viewSnapshot(options: SnapshotOptions = {}): Promise<SnapshotHandle> {
    return SnapshotHandle.open(this.services, this.#scope.lease !== undefined, 'view', options);
  }

  /** A container that is there; its snapshot goes with it. @throws Fault `not_found` */
  async container(id: string, options?: CallOptions): Promise<ContainerHandle> {
    await this.services.containers.get(id, options);
    return new ContainerHandle(this.services, id);
  }

  /**
   * What a container printed into its log, line by line: into a file that its task was given as `stdout`, a URL `file:`, which is
   * read on the daemon's machine.
   *
   * @throws Fault `not_found` if there is no such container, or it keeps no log; `unavailable` if that can't be read here.
   */
  logs(id: string, options: ContainerLogsOptions = {}): AsyncIterable<LogLine> {
    return containerLogs(this.services, id, options);
  }

  /** A task that is there, without its streams. Disposing it leaves it alone. @throws Fault `not_found` */
  async task(containerId: string, options?: CallOptions): Promise<TaskHandle> {
    await this.services.tasks.get({ containerId }, options);
    return new TaskHandle(this.services.tasks, containerId, await ProcessIo.open(), 'borrowed');
  }

  /**
   * A task that is there, with its streams: those that go through FIFOs, which somebody left. What it is given to read is
   * copied to it, and what it prints to where `io` says. Disposing it leaves it alone.
   *
   * @throws Fault `not_found`
   */
  async attach(containerId: string, io: IoOptions, options?: CallOptions): Promise<TaskHandle> {
    const { stdin, stdout, stderr, terminal } = await this.services.tasks.get({ containerId }, options);
    const streams = await ProcessIo.join({ stdin, stdout, stderr, terminal }, io);
    const task = new TaskHandle(this.services.tasks, containerId, streams, 'borrowed');
    task.connectStreams();
    return task;
  }

  /**
   * Tells what keeps things on the disk and what goes, in this client's namespace or another; in all if that is empty.
   * Of Stowage; of containerd as far as its services tell, see {@link GarbageInspector.limits}.
   */
  inspector(namespace: string = this.#scope.namespace): GarbageInspector {
    return daemonInspector(this.#transport, { namespace });
  }

  /**
   * What happens, in all namespaces. A daemon that numbers its events goes on after the last position that is given, tells
   * which events are lost, and lets a slow reader take its time; containerd tells what happens from now on.
   */
  events(options: EventOptions = {}): AsyncIterable<ClientEvent> {
    return clientEvents(this.services, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close?.();
  }
}
