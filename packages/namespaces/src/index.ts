export * from './namespace-store.ts';
