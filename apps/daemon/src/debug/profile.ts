import { setTimeout as delay } from 'node:timers/promises';
import { type DebugHandler, refuse } from './exchange.ts';

const DEFAULT_SECONDS = 5;
const MOST_SECONDS = 300;

/** A CPU profile of the next seconds. The daemon goes on, a few percent slower. */
export const sendProfile: DebugHandler = async ({ res, query, signal }) => {
  const text = query.get('seconds') ?? String(DEFAULT_SECONDS);
  const seconds = Number(text);
  if (text === '' || !(seconds > 0 && seconds <= MOST_SECONDS))
    return refuse(res, 400, `seconds: expected a number up to ${MOST_SECONDS}`);
  // Not every build of Node has it, and hardly any daemon ever needs it.
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await delay(seconds * 1000, undefined, { signal });
    const { profile } = await session.post('Profiler.stop');
    const name = `stowaged-${process.pid}-${Date.now()}.cpuprofile`;
    res.setHeader('content-type', 'application/json');
    res.setHeader('content-disposition', `attachment; filename="${name}"`);
    res.end(JSON.stringify(profile));
  } finally {
    session.disconnect();
  }
};
