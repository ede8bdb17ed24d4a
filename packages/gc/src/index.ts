export { type ConditionalRef, labelConditions, labelUsedAt } from './conditions.ts';
export { firstOf } from './first-of.ts';
export { type Graph, type Node, type Reached, reachable, Walk, walk } from './graph.ts';
export { ingestExpiry } from './ingests.ts';
export * from './inspector.ts';
export { isObjectKind, KIND_WORD } from './kinds.ts';
export { isFlat, isRoot, labelBackRefs, labelExpiry, labelRefs } from './labels.ts';
export { type ObjectId, type ObjectKind, type ObjectName, objectName } from './object.ts';
export { parseDurationMs, parseTime } from './time.ts';
