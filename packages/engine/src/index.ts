export { Engine, type EngineOptions } from './engine.ts';
export { nameOf } from './graph.ts';
