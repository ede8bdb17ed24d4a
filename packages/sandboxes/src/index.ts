export * from './sandbox-controller.ts';
export * from './sandbox-store.ts';
