export * from './proxy-plugins.ts';
