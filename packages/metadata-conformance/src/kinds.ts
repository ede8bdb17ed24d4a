import type { CallOptions, Labels } from '@stowage/core';
import type { Capability, ScopedServices } from './subject.ts';
import { newContainer, newSandbox, sandboxesOf, target } from './support.ts';

/** What all objects of a namespace have in common. */
export interface Labelled {
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly updatedAt?: Date;
}

/** A kind of object, in the terms that all kinds share. */
export interface Kind {
  /** As cases are named: `images`, ... */
  readonly name: string;
  readonly needs?: readonly Capability[];
  /** The field of filters that holds the name. */
  readonly nameField: string;
  /** Whether names are identifiers, or any text. */
  readonly named: 'identifier' | 'text';
  create(at: ScopedServices, name: string, labels?: Labels, options?: CallOptions): Promise<Labelled>;
  delete(at: ScopedServices, name: string, options?: CallOptions): Promise<void>;
  /** Names, in the order in which they are listed. */
  list(at: ScopedServices, filters?: readonly string[], options?: CallOptions): AsyncIterable<string>;
  /** Undefined where none is there. */
  find(at: ScopedServices, name: string): Promise<Labelled | undefined>;
  readonly editable?: EditableKind;
}

export interface EditableKind {
  get(at: ScopedServices, name: string, options?: CallOptions): Promise<Labelled>;
  update(
    at: ScopedServices,
    name: string,
    labels: Labels,
    paths: readonly string[],
    options?: CallOptions,
  ): Promise<Labelled>;
}

export const kinds: readonly Kind[] = [
  {
    name: 'images',
    nameField: 'name',
    named: 'text',
    create: ({ images }, name, labels = {}, options) => images.create({ name, target, labels }, options),
    delete: ({ images }, name, options) => images.delete(name, options),
    list: ({ images }, filters, options) => each(images.list(filters, options), ({ name }) => name),
    find: ({ images }, wanted) => find(images.list(), ({ name }) => name === wanted),
    editable: {
      get: ({ images }, name, options) => images.get(name, options),
      update: ({ images }, name, labels, paths, options) =>
        images.update({ name, target, labels }, paths, options),
    },
  },
  {
    name: 'containers',
    nameField: 'id',
    named: 'identifier',
    create: ({ containers }, id, labels = {}, options) =>
      containers.create(newContainer(id, { labels }), options),
    delete: ({ containers }, id, options) => containers.delete(id, options),
    list: ({ containers }, filters, options) => each(containers.list(filters, options), ({ id }) => id),
    find: ({ containers }, wanted) => find(containers.list(), ({ id }) => id === wanted),
    editable: {
      get: ({ containers }, id, options) => containers.get(id, options),
      update: ({ containers }, id, labels, paths, options) =>
        containers.update(newContainer(id, { labels }), paths, options),
    },
  },
  {
    name: 'sandboxes',
    needs: ['sandboxes'],
    nameField: 'id',
    named: 'identifier',
    create: (at, id, labels = {}, options) => sandboxesOf(at).create(newSandbox(id, { labels }), options),
    delete: (at, id, options) => sandboxesOf(at).delete(id, options),
    list: (at, filters, options) => each(sandboxesOf(at).list(filters, options), ({ id }) => id),
    find: (at, wanted) => find(sandboxesOf(at).list(), ({ id }) => id === wanted),
    editable: {
      get: (at, id, options) => sandboxesOf(at).get(id, options),
      update: (at, id, labels, paths, options) =>
        sandboxesOf(at).update(newSandbox(id, { labels }), paths, options),
    },
  },
  {
    name: 'leases',
    nameField: 'id',
    named: 'text',
    create: ({ leases }, id, labels = {}, options) => leases.create({ id, labels }, options),
    delete: ({ leases }, id, options) => leases.delete(id, options),
    list: ({ leases }, filters, options) => each(leases.list(filters, options), ({ id }) => id),
    find: ({ leases }, wanted) => find(leases.list(), ({ id }) => id === wanted),
  },
];

export const editableKinds = kinds.flatMap(({ editable, ...kind }) =>
  editable === undefined ? [] : [{ ...kind, ...editable }],
);

async function* each<T>(items: AsyncIterable<T>, name: (item: T) => string): AsyncGenerator<string> {
  for await (const item of items) yield name(item);
}

async function find<T>(items: AsyncIterable<T>, wanted: (item: T) => boolean): Promise<T | undefined> {
  for await (const item of items) if (wanted(item)) return item;
  return undefined;
}
