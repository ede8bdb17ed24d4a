import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { TaskStartSchema } from '@stowage/api/events';
import { Events } from '@stowage/api/ttrpc/events/v1';
import { Fault, silentLogger } from '@stowage/core';
import { serviceRoutes } from '@stowage/rpc';
import { serveTtrpc } from '@stowage/ttrpc';
import { forwardEvents } from '../src/shim/forward-events.ts';
import { EventLog } from '../src/supervisor/event-log.ts';

let dir: string;
let events: EventLog;
let stop: AbortController;
let forwarding: Promise<unknown>;
const containerd = () => join(dir, 'ttrpc');

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shim-events-'));
  events = await EventLog.open(join(dir, 'events'), silentLogger);
  stop = new AbortController();
  forwarding = Promise.resolve();
});
afterEach(async () => {
  stop.abort();
  await forwarding.catch(() => {});
  await events[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

const tell = (topic: string) => events.append('blue', topic, TaskStartSchema, { containerId: 'c', pid: 1 });
function forward() {
  forwarding = forwardEvents({ events, containerd: containerd(), log: silentLogger, signal: stop.signal });
  forwarding.catch(() => {});
}
/** containerd, as far as it takes events. */
async function receive(answer: (topic: string) => void = () => {}) {
  const topics: string[] = [];
  const routes = serviceRoutes(Events, {
    forward({ envelope }) {
      answer(envelope?.topic ?? '');
      topics.push(`${envelope?.namespace} ${envelope?.topic}`);
      return {};
    },
  });
  const server = await serveTtrpc({ path: containerd(), routes: [routes] });
  return { topics, [Symbol.asyncDispose]: () => server.close() };
}
async function until(condition: () => boolean) {
  while (!condition()) await delay(5);
}

test('events are given in order, and forgotten once taken', async () => {
  await using taken = await receive();
  forward();
  for (let i = 0; i < 50; i++) void tell(`/${i}`);
  await until(() => taken.topics.length === 50 && events.waiting === 0);
  expect(taken.topics).toEqual(Array.from({ length: 50 }, (_, i) => `blue /${i}`));
});

test('while containerd is down events wait, and outlive the supervisor', async () => {
  {
    await using taken = await receive();
    forward();
    await tell('/before');
    await until(() => events.waiting === 0);
    expect(taken.topics).toEqual(['blue /before']);
  }
  await tell('/while-down');
  await delay(200);
  expect(events.waiting).toBe(1);
  stop.abort();
  await forwarding.catch(() => {});
  await events[Symbol.asyncDispose]();
  // The next supervisor.
  events = await EventLog.open(join(dir, 'events'), silentLogger);
  stop = new AbortController();
  forward();
  await tell('/after');
  await using taken = await receive();
  await until(() => events.waiting === 0);
  expect(taken.topics).toEqual(['blue /while-down', 'blue /after']);
});

test('a containerd that fails is tried again; what it can never take holds up nothing', async () => {
  let failures = 3;
  await using taken = await receive((topic) => {
    if (topic === '/bad') throw new Fault('invalid_argument', 'no such topic');
    if (topic === '/late' && failures-- > 0) throw new Fault('unavailable', 'not yet');
  });
  forward();
  for (const topic of ['/first', '/late', '/bad', '/last']) await tell(topic);
  await until(() => events.waiting === 0);
  expect(taken.topics).toEqual(['blue /first', 'blue /late', 'blue /last']);
});
