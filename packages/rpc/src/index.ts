export * from './any.ts';
export * from './client.ts';
export * from './convert.ts';
export * from './fault.ts';
export * from './routes.ts';
export * from './scope.ts';
export * from './time.ts';
