export * from './native-snapshotter.ts';
export type { NativeOptions } from './options.ts';
