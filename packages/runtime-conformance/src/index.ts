export type { Outcome, ReportOptions, Runner } from '@stowage/conformance';
export { report, runCase, runtimeConformance } from './bind.ts';
export { cases } from './cases/index.ts';
export {
  type Capability,
  type Case,
  type CaseContext,
  capabilities,
  type OpenRuntime,
  type Subject,
} from './subject.ts';
