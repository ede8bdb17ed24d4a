export { contentConformance, runCase } from './bind.ts';
export { cases } from './cases/index.ts';
export { damageFile, damageIn } from './damage-file.ts';
export { type Outcome, type ReportOptions, report } from './report.ts';
export type { Capability, Case, CaseContext, Damage, OpenStore, Runner, Subject } from './subject.ts';
