import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRouterTransport, type Transport } from '@connectrpc/connect';
import type { NewContainer } from '@stowage/containers';
import { remoteContainers } from '@stowage/containers/remote';
import { containerRoutes } from '@stowage/containers/service';
import { type ContentStore, writeBlob } from '@stowage/content';
import { remoteContent, remoteVerifier } from '@stowage/content/remote';
import { contentRoutes, verificationRoutes } from '@stowage/content/service';
import { type Descriptor, digestOf, jsonBytes, type Labels, TYPE_URL } from '@stowage/core';
import type { Envelope, Events } from '@stowage/events';
import { remoteImages } from '@stowage/images/remote';
import { imageRoutes } from '@stowage/images/service';
import { remoteLeases } from '@stowage/leases/remote';
import { leaseRoutes } from '@stowage/leases/service';
import { Metadata, type MetadataOptions, type MetadataView } from '@stowage/metadata';
import { remoteMounts } from '@stowage/mounts/remote';
import type { NamespaceStore } from '@stowage/namespaces';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import { namespaceRoutes } from '@stowage/namespaces/service';
import type { Routes } from '@stowage/rpc';
import type { NewSandbox } from '@stowage/sandboxes';
import { remoteSandboxes } from '@stowage/sandboxes/remote';
import { sandboxRoutes } from '@stowage/sandboxes/service';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import { snapshotRoutes } from '@stowage/snapshots/service';
import { MemoryContent } from './memory-content.ts';
import { MemorySnapshotter } from './memory-snapshotter.ts';

export const spec = jsonBytes(TYPE_URL.spec, {});

/** Of an image whose content nobody looks for. */
export const target: Descriptor = { ...blobOf('x'), mediaType: 'application/vnd.oci.image.index.v1+json' };

/** Remembers what it was told. */
export class Heard implements Events {
  readonly envelopes: Envelope[] = [];

  get topics(): string[] {
    return this.envelopes.map(({ topic }) => topic);
  }

  async publish(namespace: string, topic: string, event: Envelope['event']): Promise<void> {
    await this.forward({ timestamp: new Date(), namespace, topic, event });
  }

  async forward(envelope: Envelope): Promise<void> {
    this.envelopes.push(envelope);
  }

  subscribe(): AsyncIterable<Envelope> {
    throw new Error('nobody subscribes here');
  }
}

/** A way to what metadata offers. */
export type Reach = (metadata: Metadata) => Pick<Metadata, 'namespaces' | 'scope'>;

export const inProcess: Reach = (metadata) => metadata;

/** The service ends of all that metadata offers. */
export function routesOf(metadata: Metadata): readonly Routes[] {
  return [
    namespaceRoutes(metadata.namespaces),
    imageRoutes((scope) => metadata.scope(scope).images),
    containerRoutes((scope) => metadata.scope(scope).containers),
    sandboxRoutes((scope) => metadata.scope(scope).sandboxes),
    leaseRoutes((scope) => metadata.scope(scope).leases),
    contentRoutes((scope) => {
      const { content } = metadata.scope(scope);
      if (content === undefined) throw new Error('there is a content store');
      return content;
    }),
    verificationRoutes((scope) => {
      const { verifier } = metadata.scope(scope);
      if (verifier === undefined) throw new Error('there is a content store');
      return verifier;
    }),
    snapshotRoutes({
      names: metadata.snapshotters,
      snapshotter: (scope, name) => metadata.scope(scope).snapshotter(name),
    }),
  ];
}

/** Their remote ends. */
export function remotely(transport: Transport): ReturnType<Reach> {
  return {
    namespaces: remoteNamespaces(transport),
    scope: (scope) => ({
      images: remoteImages(transport, scope),
      containers: remoteContainers(transport, scope),
      sandboxes: remoteSandboxes(transport, scope),
      leases: remoteLeases(transport, scope),
      content: remoteContent(transport, scope),
      verifier: remoteVerifier(transport, scope),
      mounts: remoteMounts(transport, scope),
      snapshotter: (name) => remoteSnapshotter(transport, name, scope),
    }),
  };
}

/** Through both RPC ends and real codecs, without a socket. */
export const overConnect: Reach = (metadata) =>
  remotely(
    createRouterTransport((router) => {
      for (const routes of routesOf(metadata)) routes(router);
    }),
  );

/** A directory, backends in memory, and metadata over them that can be closed and opened again. */
export class Setting implements AsyncDisposable {
  readonly root: string;
  readonly content = new MemoryContent();
  readonly snapshotter = new MemorySnapshotter();
  readonly heard = new Heard();
  readonly #options: MetadataOptions;
  readonly #reach: Reach;
  #metadata: Metadata;

  private constructor(root: string, options: MetadataOptions, reach: Reach) {
    this.root = root;
    this.#options = options;
    this.#reach = reach;
    this.#metadata = undefined as unknown as Metadata;
  }

  static async make(
    options: MetadataOptions = {},
    reach: Reach = inProcess,
    directory = tmpdir(),
  ): Promise<Setting> {
    const setting = new Setting(await mkdtemp(join(directory, 'metadata-')), options, reach);
    setting.#metadata = await setting.#open();
    return setting;
  }

  get metadata(): Metadata {
    return this.#metadata;
  }

  get namespaces(): NamespaceStore {
    return this.#reach(this.#metadata).namespaces;
  }

  scope(namespace = 'default', lease?: string): MetadataView {
    return this.#reach(this.#metadata).scope(lease === undefined ? { namespace } : { namespace, lease });
  }

  contentOf(namespace = 'default', lease?: string): ContentStore {
    const { content } = this.scope(namespace, lease);
    if (content === undefined) throw new Error('there is a content store');
    return content;
  }

  async reopen(): Promise<void> {
    await this.#metadata[Symbol.asyncDispose]();
    this.#metadata = await this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#metadata[Symbol.asyncDispose]();
    await rm(this.root, { recursive: true, force: true });
  }

  #open(): Promise<Metadata> {
    const { content, snapshotter, heard: events } = this;
    const snapshotters = new Map([['memory', snapshotter]]);
    return Metadata.open(this.root, { content, snapshotters, events, ...this.#options });
  }
}

export function blobOf(text: string): Descriptor {
  return { mediaType: 'application/octet-stream', digest: digestOf(text), size: BigInt(text.length) };
}

export async function put(store: ContentStore, text: string, labels: Labels = {}): Promise<Descriptor> {
  const descriptor = blobOf(text);
  await writeBlob(store, `put-${text}`, Buffer.from(text), descriptor, { labels });
  return descriptor;
}

export async function names<T>(items: AsyncIterable<T>, name: (item: T) => string): Promise<string[]> {
  return (await Array.fromAsync(items)).map(name);
}

export function newContainer(id: string, more: Partial<NewContainer> = {}): NewContainer {
  const runtime = { name: 'io.containerd.runc.v2' };
  const parts = {
    labels: {},
    image: '',
    spec,
    snapshotter: '',
    snapshotKey: '',
    extensions: {},
    sandboxId: '',
  };
  return { id, runtime, ...parts, ...more };
}

export function newSandbox(id: string, more: Partial<NewSandbox> = {}): NewSandbox {
  const runtime = { name: 'io.containerd.runc.v2' };
  return { id, runtime, labels: {}, spec, extensions: {}, sandboxer: 'shim', ...more };
}
