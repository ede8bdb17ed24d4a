export { metadataConformance, runCase } from './bind.ts';
export { cases } from './cases/index.ts';
export type {
  Capability,
  Case,
  CaseContext,
  MetadataServices,
  Runner,
  ScopedServices,
  Subject,
} from './subject.ts';
