export { type Graph, type Node, reachable } from './graph.ts';
export { isFlat, isRoot, labelBackRefs, labelExpiry, labelRefs } from './labels.ts';
export { type ObjectId, type ObjectKind, type ObjectName, objectName } from './object.ts';
