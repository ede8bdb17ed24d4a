export type { OverlayOptions } from './options.ts';
export * from './overlay-snapshotter.ts';
