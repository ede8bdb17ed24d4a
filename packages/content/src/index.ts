export * from './content-store.ts';
export * from './content-verifier.ts';
export * from './for-namespace.ts';
export * from './helpers.ts';
export * from './verify-by-reading.ts';
