export * from './sandbox-store.ts';
