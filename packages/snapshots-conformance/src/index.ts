export { runCase, snapshotterConformance } from './bind.ts';
export { cases } from './cases/index.ts';
export { type Outcome, type ReportOptions, report } from './report.ts';
export {
  type Capability,
  type Case,
  type CaseContext,
  capabilities,
  type OpenSnapshotter,
  type RemoteSnapshot,
  type Runner,
  type Subject,
} from './subject.ts';
