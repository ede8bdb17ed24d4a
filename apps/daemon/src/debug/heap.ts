import { pipeline } from 'node:stream/promises';
import { getHeapSnapshot } from 'node:v8';
import type { DebugHandler } from './exchange.ts';

/**
 * A heap snapshot, streamed. V8 takes it while nothing else runs: about a second for 100 MB of heap, and needs as much memory
 * again. Sending it leaves others their turn.
 */
export const sendHeapSnapshot: DebugHandler = async ({ res, signal }) => {
  const name = `stowaged-${process.pid}-${Date.now()}.heapsnapshot`;
  res.setHeader('content-type', 'application/json');
  res.setHeader('content-disposition', `attachment; filename="${name}"`);
  await pipeline(getHeapSnapshot(), res, { signal });
};
