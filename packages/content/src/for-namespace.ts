import type { ContentStore } from './content-store.ts';

/**
 * What a store may have besides if it is to know in whose name it is called: one in another process, which is told by a
 * header. Blobs are shared below namespaces all the same.
 */
export interface NamespaceAware {
  /** The same store, called in the name of a namespace. Cheap: it may be asked for at every call. */
  forNamespace(namespace: string): ContentStore;
}

/** The store to call in the name of a namespace: the store itself, if it does not care. */
export function storeFor(store: ContentStore, namespace: string): ContentStore {
  return isAware(store) ? store.forNamespace(namespace) : store;
}

function isAware(store: object): store is NamespaceAware {
  return typeof (store as Partial<NamespaceAware>).forNamespace === 'function';
}
