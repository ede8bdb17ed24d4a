export type { Outcome, ReportOptions, Runner } from '@stowage/conformance';
export { contentConformance, report, runCase } from './bind.ts';
export { cases } from './cases/index.ts';
export { damageFile, damageIn } from './damage-file.ts';
export type { Capability, Case, CaseContext, Damage, OpenStore, Subject } from './subject.ts';
