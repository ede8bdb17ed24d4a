import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ContainerStore } from '@stowage/containers';
import { type ContentStore, writeBlob } from '@stowage/content';
import { type Descriptor, digestOf, type Labels, MEDIA_TYPE } from '@stowage/core';
import {
  type Explanation,
  type GarbageInspector,
  type ObjectId,
  type ObjectKind,
  objectName,
  type Usage,
  type UsageOf,
} from '@stowage/gc';
import type { ImageStore } from '@stowage/images';
import type { LeaseManager } from '@stowage/leases';
import type { Snapshotter } from '@stowage/snapshots';

/** A daemon, or what one is made of, with an inspector that is put to the test. */
export interface InspectorSubject {
  readonly snapshotter: string;
  scope(scope: { readonly namespace: string; readonly lease?: string }): SubjectView;
  /** Of one namespace, or with an empty one of all. */
  inspector(namespace: string): GarbageInspector;
}

export interface SubjectView {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  readonly leases: LeaseManager;
  snapshotter(name: string): Snapshotter;
}

export const INDEX = MEDIA_TYPE.ociIndex;

/** A namespace of a case's own. What is made is held by a lease until that is let go, so that nobody collects it. */
export class Scene implements AsyncDisposable {
  readonly namespace = `inspect-${randomBytes(4).toString('hex')}`;
  readonly subject: InspectorSubject;
  /** Not held by anything. */
  readonly view: SubjectView;
  readonly inspector: GarbageInspector;
  readonly held: SubjectView;

  constructor(subject: InspectorSubject) {
    this.subject = subject;
    const { namespace } = this;
    this.view = subject.scope({ namespace });
    this.held = subject.scope({ namespace, lease: 'making' });
    this.inspector = subject.inspector(namespace);
  }

  id(kind: ObjectKind, name: string, namespace = this.namespace): ObjectId {
    return { ...objectName(kind, name, kind === 'snapshots' ? this.subject.snapshotter : ''), namespace };
  }

  async begin(): Promise<void> {
    await this.view.leases.create({ id: 'making' });
  }

  async letGo(): Promise<void> {
    await this.view.leases.delete('making');
  }

  /** A blob of as many bytes, whose text is its own unless given. */
  async blob(
    sizeBytes: number,
    labels: Labels = {},
    fill = `${this.namespace}${sizeBytes}`,
  ): Promise<Descriptor> {
    const bytes = Buffer.alloc(sizeBytes, fill);
    const descriptor = { mediaType: INDEX, digest: digestOf(bytes), size: BigInt(sizeBytes) };
    await writeBlob(this.held.content, `put-${descriptor.digest}`, bytes, descriptor, { labels });
    return descriptor;
  }

  async image(name: string, target: Descriptor, labels: Labels = {}): Promise<ObjectId> {
    await this.held.images.create({ name, target, labels });
    return this.id('images', name);
  }

  async snapshots(...names: string[]): Promise<void> {
    const snapshotter = this.held.snapshotter(this.subject.snapshotter);
    let parent = '';
    for (const name of names) {
      await snapshotter.prepare(`active ${name}`, parent);
      await snapshotter.commit(name, `active ${name}`);
      parent = name;
    }
  }

  async kept(id: ObjectId): Promise<Extract<Explanation, { verdict: 'kept' }>> {
    const told = await this.inspector.explain(id);
    if (told.verdict !== 'kept') throw new Error(`${id.kind} ${id.name} is ${told.verdict}`);
    return told;
  }

  /** The path to an object, each hop as `name: why`. */
  async path(id: ObjectId): Promise<string[]> {
    return (await this.kept(id)).path.map(({ object, why }) => {
      const word = 'label' in why ? why.label : why.by === 'target' ? `target ${why.mediaType}` : why.by;
      return `${object.name}: ${word}`;
    });
  }

  async usage(of: UsageOf, inspector = this.inspector): Promise<Usage> {
    for await (const line of inspector.usage({ detail: true, active: true }))
      if (isDeepStrictEqual(line.of, of)) return line;
    throw new Error(`no usage of ${JSON.stringify(of)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { containers, content, images, leases } = this.view;
    for await (const { ref } of content.statuses()) await content.abort(ref);
    for await (const { id } of containers.list()) await containers.delete(id);
    for await (const { name } of images.list()) await images.delete(name);
    for await (const { id } of leases.list()) await leases.delete(id, { sync: true });
  }
}
