export * from './transport/memory.ts';
export * from './transport/unix.ts';
