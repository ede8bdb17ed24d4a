export * from './lease-manager.ts';
