export { type Graph, type Node, type Reached, reachable, walk } from './graph.ts';
export * from './inspector.ts';
export { isObjectKind, KIND_WORD } from './kinds.ts';
export { isFlat, isRoot, labelBackRefs, labelExpiry, labelRefs } from './labels.ts';
export { type ObjectId, type ObjectKind, type ObjectName, objectName } from './object.ts';
