export { contentConformance, runCase } from './bind.ts';
export { cases } from './cases/index.ts';
export type { Capability, Case, CaseContext, OpenStore, Runner, Subject } from './subject.ts';
