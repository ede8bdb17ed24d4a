export * from './stream.ts';
export * from './stream-manager.ts';
