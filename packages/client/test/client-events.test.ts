import { expect, test } from '@jest/globals';
import { Client, type ClientEvent } from '@stowage/client';
import { Exchange } from '@stowage/events/exchange';
import { eventHistoryRoutes, eventsRoutes } from '@stowage/events/service';
import { memoryTransport } from '@stowage/rpc/transport';

const event = { typeUrl: 'acme.Thing', value: new Uint8Array() };

async function take(events: AsyncIterable<ClientEvent>, count: number): Promise<ClientEvent[]> {
  const taken: ClientEvent[] = [];
  for await (const one of events) if (taken.push(one) === count) break;
  return taken;
}

test('events of a daemon that numbers them go on where one was', async () => {
  const exchange = new Exchange();
  const transport = memoryTransport([eventsRoutes(exchange), eventHistoryRoutes(exchange)]);
  const client = new Client(transport, { namespace: 'n' });
  for (const topic of ['/a', '/b', '/c']) await exchange.publish('n', topic, event);
  const all = await take(client.events({ after: { epoch: '', sequence: 0n } }), 3);
  expect(all).toMatchObject([
    { type: 'position' },
    { envelope: { topic: '/a' } },
    { envelope: { topic: '/b' } },
  ]);
  const rest = await take(client.events({ after: all[2]?.position, filters: ['topic=="/c"'] }), 2);
  expect(rest).toMatchObject([
    { type: 'position' },
    { envelope: { topic: '/c' }, position: { sequence: 3n } },
  ]);
});

test('events of one that does not come without numbers; where one was is lost, and told so', async () => {
  const exchange = new Exchange();
  const client = new Client(memoryTransport(eventsRoutes(exchange)), { namespace: 'n' });
  const after = { epoch: '', sequence: 0n };
  const taking = take(client.events({ after, filters: ['namespace==n'] }), 2);
  let isTaken = false;
  const settled = () => {
    isTaken = true;
  };
  taking.then(settled, settled);
  while (!isTaken) {
    await exchange.publish('n', '/a', event);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const [gap, first] = await taking;
  expect(gap).toEqual({ type: 'gap' });
  expect(first).toMatchObject({ type: 'event', envelope: { topic: '/a' } });
  expect(first?.position).toBeUndefined();
});
