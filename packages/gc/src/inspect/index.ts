export type {
  Fact,
  FactSource,
  LeftoverFact,
  ObjectFact,
  OwnReference,
  ResourceFact,
  Stored,
} from './fact.ts';
export { inspectorOver } from './inspector-over.ts';
