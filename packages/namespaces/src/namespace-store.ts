import type { CallOptions, Labels, Slot } from '@stowage/core';

/** Namespaces part the objects of one user from another's. They come into being when anything is made in them. */
export interface NamespaceStore {
  /** A namespace that nobody made is answered with no labels. */
  get(name: string, options?: CallOptions): Promise<Namespace>;
  list(options?: CallOptions): AsyncIterable<Namespace>;
  /** @throws Fault `already_exists`; `invalid_argument` for a name that is no identifier. */
  create(namespace: Namespace, options?: CallOptions): Promise<Namespace>;
  /**
   * Labels a namespace, and makes it if it is not there.
   *
   * @param paths - `labels.<key>`; none replaces all labels.
   * @throws Fault `invalid_argument` for another path or a name that is no identifier.
   */
  update(namespace: Namespace, paths?: readonly string[], options?: CallOptions): Promise<Namespace>;
  /** @throws Fault `not_found`; `failed_precondition` if anything is in it; the message lists the kinds. */
  delete(name: string, options?: CallOptions): Promise<void>;
}

export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
}

export const namespaceServiceSlot: Slot<NamespaceStore> = {
  type: 'io.containerd.service.v1',
  id: 'namespaces-service',
  api: 1,
};
