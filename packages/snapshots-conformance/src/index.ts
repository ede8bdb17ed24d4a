export type { Outcome, ReportOptions, Runner } from '@stowage/conformance';
export { report, runCase, snapshotterConformance } from './bind.ts';
export { cases } from './cases/index.ts';
export {
  type Capability,
  type Case,
  type CaseContext,
  capabilities,
  type OpenSnapshotter,
  type RemoteSnapshot,
  type Subject,
} from './subject.ts';
