export * from './helpers.ts';
export * from './raw.ts';
export * from './snapshotter.ts';
export * from './snapshotter-plugin.ts';
