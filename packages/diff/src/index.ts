export * from './differ.ts';
