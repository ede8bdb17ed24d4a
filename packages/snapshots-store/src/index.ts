export { type SnapshotsAtRest, snapshotsAtRest } from './at-rest.ts';
export * from './directory-snapshotter.ts';
export type { StoredSnapshot } from './record.ts';
export * from './snapshot-directories.ts';
export * from './snapshot-store.ts';
