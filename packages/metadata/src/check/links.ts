import { unseal } from '../database/frame.ts';
import type { RawStore } from '../database/scan.ts';
import type { Candidate } from './candidate.ts';
import { type Records, snapshotOf } from './records.ts';

/** Records that lead to other records, which must be there and lead back. */
export function* links(records: Records, store: RawStore): Generator<Candidate> {
  const has = async (key: string) => (await store.get(key)) !== undefined;
  const edgeOf = async (key: string) => {
    const value = await store.get(key);
    if (value === undefined) return undefined;
    const { payload, backend } = unseal(key, value);
    return snapshotOf(key, payload, backend).edge;
  };
  for (const [key, { parent, edge }] of records.snapshots) {
    if (parent === undefined || edge === undefined) continue;
    if (!records.snapshots.has(parent))
      yield {
        finding: {
          severity: 'error',
          code: 'parent-missing',
          subject: key,
          text: `its parent ${parent} is not recorded`,
          remedy: 'remove it and what is based on it, and unpack the image again',
        },
        keys: [key, parent],
        again: async () => (await has(key)) && !(await has(parent)),
      };
    if (!records.edges.has(edge))
      yield {
        finding: {
          severity: 'error',
          code: 'back-edge',
          subject: key,
          text: 'its parent does not know of it, and could be removed under it',
          remedy: 'stowaged check --repair makes the edge again',
        },
        keys: [key],
        again: async () => (await edgeOf(key)) === edge && !(await has(edge)),
      };
  }
  for (const [edge, child] of records.edges) {
    if (records.snapshots.get(child)?.edge === edge) continue;
    yield {
      finding: {
        severity: 'error',
        code: 'back-edge',
        subject: edge,
        text: 'it is of a child that is not there, so the parent can never be removed',
        remedy: 'stowaged check --repair drops it',
      },
      keys: [child],
      again: async () => (await has(edge)) && (await edgeOf(child)) !== edge,
    };
  }
  for (const [key, lease] of records.held) {
    if (records.leases.has(lease)) continue;
    yield {
      finding: {
        severity: 'error',
        code: 'lease-missing',
        subject: key,
        text: 'it is of a lease that is not there',
        remedy: 'stowaged check --repair drops it',
      },
      keys: [lease],
      again: async () => (await has(key)) && !(await has(lease)),
    };
  }
  for (const [key, target] of records.targets) {
    if (records.blobs.has(target) || records.snapshots.has(target)) continue;
    yield {
      finding: {
        severity: 'note',
        code: 'dangling',
        subject: key,
        text: `it is of ${target}, which is not there`,
        remedy: '',
      },
      keys: [key, target],
      again: async () => (await has(key)) && !(await has(target)),
    };
  }
}
