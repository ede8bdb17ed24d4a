export * from './runtime.ts';
export * from './task-service.ts';
