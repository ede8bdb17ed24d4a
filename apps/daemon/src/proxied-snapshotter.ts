import type { Transport } from '@connectrpc/connect';
import type { Snapshotter } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';

/**
 * A snapshotter in another process, as the metadata calls it: by keys that read `<namespace>/<number>/<key>`. It is
 * told the namespace of each key as header too, because some serve each namespace from elsewhere; `list` and
 * `cleanup`, which are about no key, come without, as from a garbage collection of containerd's.
 */
export function proxiedSnapshotter(transport: Transport, name: string): Snapshotter {
  const all = remoteSnapshotter(transport, name);
  const of = (key: string) => remoteSnapshotter(transport, name, { namespace: namespaceOf(key) });
  return {
    stat: (key, options) => of(key).stat(key, options),
    update: (key, labels, paths, options) => of(key).update(key, labels, paths, options),
    usage: (key, options) => of(key).usage(key, options),
    mounts: (key, options) => of(key).mounts(key, options),
    prepare: (key, parent, options) => of(key).prepare(key, parent, options),
    view: (key, parent, options) => of(key).view(key, parent, options),
    commit: (committed, key, options) => of(key).commit(committed, key, options),
    remove: (key, options) => of(key).remove(key, options),
    list: (filters, options) => all.list(filters, options),
    cleanup: (options) => all.cleanup(options),
  };
}

/** Empty for a key of somebody who composed the daemon without metadata. */
export function namespaceOf(key: string): string {
  const [namespace = '', number = '', ...rest] = key.split('/');
  return rest.length > 0 && /^\d+$/.test(number) ? namespace : '';
}
