export * from './unix/guard.ts';
export * from './unix/listen.ts';
export { dialFault, socketPath } from './unix/path.ts';
