export { blobFilesIn } from './blob-files.ts';
export type { Checkable, Finding, FindingCode, Severity } from './finding.ts';
export { type BackendSources, checkOffline } from './offline.ts';
export { remoteCheckable } from './remote.ts';
export { type Repaired, repairOffline } from './repair.ts';
export type { BlobSource, SnapshotSource } from './sources.ts';
