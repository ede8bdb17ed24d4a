import { Fault } from '@stowage/core';
import { layout, supervisorDirectory, supervisorFiles } from '../layout.ts';
import { EventLog } from '../supervisor/event-log.ts';
import { lockOfDead } from './leftovers.ts';
import type { Relay } from './relay.ts';

/**
 * Passes on what a dead supervisor had not told yet, so that whoever goes on with its tasks tells only what comes after
 * that.
 *
 * @throws Fault `unavailable` if it lives.
 */
export async function passOnLeft(state: string, relay: Relay): Promise<void> {
  const { source, log } = relay.options;
  const lock = await lockOfDead(state, source.name);
  if (lock === 'gone') return;
  if (lock === undefined) throw new Fault('unavailable', `supervisor ${source.name}: it is there again`);
  using _ = lock;
  await using events = await EventLog.open(
    supervisorFiles(supervisorDirectory(layout(state), source.name)).events,
    log,
  );
  for (const { seq, envelope } of events.kept) {
    if (BigInt(seq) > relay.passedOn) await relay.tell(BigInt(seq), envelope);
  }
  await events.ack(events.seq);
}
