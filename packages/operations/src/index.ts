export * from './operations.ts';
export { problemOf } from './problem.ts';
