export * from './shim-runtime.ts';
