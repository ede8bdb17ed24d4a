export { MAX_MESSAGE_BYTES } from './frame.ts';
export * from './server.ts';
export * from './transport.ts';
