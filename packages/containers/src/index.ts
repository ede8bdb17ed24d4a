export * from './container-store.ts';
