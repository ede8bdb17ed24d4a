/** The worker's half of `./worker`. */
export { bindAll } from './libc.ts';
export { type Operations, serveCalls } from './serve-calls.ts';
export { passGate } from './start-gate.ts';
