import type { WorkerOptions } from 'node:worker_threads';

const isCondition = (argument: string): boolean => /^(-C|--conditions)=/.test(argument);

/**
 * Options for a worker that runs a file. `--input-type`, with which the process may have been given a script as text,
 * would make the worker refuse its file, and a list in its place may hold no option of the whole process.
 */
export function workerOptions(name: string, workerData?: unknown): WorkerOptions {
  const inherits = !process.execArgv.some((argument) => argument.startsWith('--input-type'));
  return { name, workerData, ...(inherits ? {} : { execArgv: process.execArgv.filter(isCondition) }) };
}
