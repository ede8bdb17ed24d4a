export * from './census.ts';
export * from './daemon.ts';
export * from './demo-image.ts';
export * from './process.ts';
export * from './programs.ts';
export * from './push.ts';
export * from './resources.ts';
export * from './temp.ts';
