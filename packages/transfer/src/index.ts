export * from './objects.ts';
export * from './transfers.ts';
