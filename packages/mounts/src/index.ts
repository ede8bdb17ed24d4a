export * from './activation.ts';
export * from './mount-handler.ts';
export * from './mount-manager.ts';
