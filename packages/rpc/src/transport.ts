export type { ClosableTransport, TransportOptions } from './transport/dial.ts';
export * from './transport/memory.ts';
export * from './transport/tls.ts';
export * from './transport/unix.ts';
