// The process of the clients: `load-main.ts JOURNAL`, told by its parent what to do. Ends when its parent does.
import { reasonOf } from '@stowage/core';
import { unixTransport } from '@stowage/rpc/transport';
import { World } from '../model/world.ts';
import { Rng } from '../rng.ts';
import { servicesOf } from '../services.ts';
import { runClient } from './client.ts';
import { namespaceOf } from './client-view.ts';
import { Journal } from './journal.ts';
import type { FromLoad, ToLoad } from './messages.ts';
import { operations } from './operations/index.ts';

const journal = await Journal.open(process.argv[2] ?? '');
let stop = new AbortController();
/** A daemon that answers nothing is harmed all the same. */
const LATE_MS = 5000;
const say = (message: FromLoad) => process.send?.(message);

async function load(order: Extract<ToLoad, { t: 'start' }>): Promise<void> {
  const world = World.from(order.world);
  let operation = order.firstOperation;
  let name = 0;
  const begun = once(() => say({ t: 'started' }));
  await using transport = unixTransport(order.address);
  const clients = Array.from({ length: order.clients }, (_, id) =>
    runClient({
      id,
      rng: Rng.of(order.seed, order.round, id),
      world,
      journal,
      services: servicesOf(transport, { namespace: namespaceOf(id) }),
      operations,
      unsynced: order.unsynced,
      stop: stop.signal,
      next: () => operation++,
      unique: () => `${order.round}-${name++}`,
      onAck: begun,
    }),
  );
  const late = setTimeout(begun, LATE_MS);
  await Promise.all(clients);
  clearTimeout(late);
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

process.on('message', (message: ToLoad) => {
  if (message.t === 'stop') {
    stop.abort();
    return;
  }
  stop = new AbortController();
  load(message).then(
    () => say({ t: 'stopped' }),
    (e: unknown) => say({ t: 'stopped', error: (e as Error).stack ?? reasonOf(e) }),
  );
});
process.on('disconnect', () => process.exit(0));
// These go to the parent too, which ends the work in order.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => undefined);
