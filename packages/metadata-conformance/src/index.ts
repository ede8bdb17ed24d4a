export type { Runner } from '@stowage/conformance';
export { metadataConformance, runCase } from './bind.ts';
export { cases } from './cases/index.ts';
export type {
  Capability,
  Case,
  CaseContext,
  MetadataServices,
  ScopedServices,
  Subject,
} from './subject.ts';
