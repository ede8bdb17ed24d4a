export * from './content-store.ts';
export * from './helpers.ts';
