export * from './held.ts';
export * from './lease-manager.ts';
