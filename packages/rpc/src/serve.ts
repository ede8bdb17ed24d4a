export * from './server/serve-socket.ts';
