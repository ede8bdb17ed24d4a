export { runCase, snapshotterConformance } from './bind.ts';
export { cases } from './cases/index.ts';
export type { Capability, Case, CaseContext, OpenSnapshotter, Runner, Subject } from './subject.ts';
