import { Fault, quote } from '@stowage/core';
import type { SnapshotService, Snapshotter } from './snapshotter.ts';

/**
 * Snapshotters as they are: one key space for all namespaces, no leases. For a proxy plugin, whose daemon has put
 * the namespace into the keys already, and for an engine without a metadata service.
 */
export function rawSnapshotService(backends: ReadonlyMap<string, Snapshotter>): SnapshotService {
  return {
    get names() {
      return [...backends.keys()];
    },
    snapshotter(_scope, name) {
      const backend = backends.get(name);
      if (backend === undefined) throw unknownSnapshotter(name, [...backends.keys()]);
      return backend;
    },
  };
}

/** The Fault for a name that no snapshotter has: a request gone wrong, not an object that is missing. */
export function unknownSnapshotter(name: string, names: readonly string[]): Fault {
  const there = names.length === 0 ? 'there are none' : `there are ${names.join(', ')}`;
  return new Fault('invalid_argument', `snapshotter ${quote(name)} is not here; ${there}`);
}
