export type { ShimSandboxes } from './sandbox/shim-sandboxes.ts';
export * from './shim-runtime.ts';
