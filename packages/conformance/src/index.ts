export {
  conformanceKit,
  type Kit,
  type KitCase,
  type KitParts,
  type KitSubject,
  type Runner,
} from './kit.ts';
export type { Outcome, ReportOptions } from './report.ts';
