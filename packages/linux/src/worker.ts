/** For packages that start workers of their own which use this one. The worker's half is `./serve`. */
export { StartGate } from './start-gate.ts';
export { WorkerCalls } from './worker-calls.ts';
export { workerOptions } from './worker-options.ts';
