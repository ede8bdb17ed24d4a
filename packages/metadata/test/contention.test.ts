import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ImageCreateSchema, ImageDeleteSchema, ImageUpdateSchema } from '@stowage/api/events';
import type { Labels } from '@stowage/core';
import type { Envelope } from '@stowage/events';
import { Metadata, type MetadataView } from '@stowage/metadata';
import { unpackMessage } from '@stowage/rpc';
import { listen } from '@stowage/rpc/server';
import { unixTransport } from '@stowage/rpc/transport';
import { type Call, containerCalls, hasLabels, imageCalls, leaseCalls } from './contention.ts';
import { endings, Follower, History, IMPOSSIBLE, type Step } from './history.ts';
import { Heard, remotely, routesOf } from './setting.ts';

const LONG = process.env.STOWAGE_LONG === '1';
const CALLS = LONG ? 100_000 : 2000;
const CLIENTS = 16;
const IDS = ['a', 'b', 'c'];
/** Of each client between two pauses: few enough for all orders to be tried. */
const BETWEEN = 6;

test(
  `${CLIENTS} clients at the same objects see each as if they came one after the other`,
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'metadata-contention-'));
    const heard = new Heard();
    const metadata = await Metadata.open(join(root, 'metadata'), { events: heard });
    const address = { path: join(root, 'sock') };
    const server = await listen({ address, routes: routesOf(metadata) });
    const transports = Array.from({ length: CLIENTS }, () => unixTransport(address.path));
    try {
      const history = new History();
      const follower = new Follower();
      const clients = transports.map((transport) => remotely(transport).scope({ namespace: 'n' }));
      const calls: ReadonlyArray<readonly Call[]> = [
        imageCalls(history),
        containerCalls(history, 'containers'),
        containerCalls(history, 'sandboxes'),
        leaseCalls(history),
      ];
      const seed = Number(process.env.STOWAGE_SEED ?? Date.now() % 1_000_000);
      const dice = diceOf(seed);
      let made = 0;
      while (made < CALLS) {
        const run = async (at: MetadataView) => {
          for (let i = 0; i < BETWEEN; i += 1) {
            const kind = calls[dice() % calls.length] as readonly Call[];
            const call = kind[dice() % kind.length] as Call;
            await call(at, IDS[dice() % IDS.length] as string, dice, `t${++made}`);
          }
        };
        await Promise.all(clients.map(run));
        try {
          follower.follow(history.take());
        } catch (e) {
          throw new Error(`seed ${seed}: ${(e as Error).message}`, { cause: e });
        }
      }
      for (const name of IDS) {
        const told = replayed(heard.envelopes, name);
        const possible = [...follower.statesOf(`image ${name}`)].some((state) => hasLabels(state, told));
        expect([name, told, possible]).toEqual([name, told, true]);
      }
    } finally {
      for (const transport of transports) await transport[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await metadata[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    }
  },
  LONG ? 1_800_000 : 120_000,
);

test('of those who make the same object at once, exactly one does', async () => {
  const root = await mkdtemp(join(tmpdir(), 'metadata-contention-'));
  const metadata = await Metadata.open(root);
  try {
    const history = new History();
    const creates = [
      imageCalls(history),
      containerCalls(history, 'containers'),
      containerCalls(history, 'sandboxes'),
      leaseCalls(history),
    ].map(([create]) => create as Call);
    const at = metadata.scope({ namespace: 'n' });
    for (const create of creates)
      await Promise.all(Array.from({ length: CLIENTS }, (_, i) => create(at, 'a', () => 0, `t${i}`)));
    for (const [object, operations] of history.take()) {
      const outcomes = operations.map(({ what }) => what.split(': ')[1]).sort();
      expect([object, outcomes]).toEqual([object, [...Array(CLIENTS - 1).fill('already_exists'), 'ok']]);
    }
  } finally {
    await metadata[Symbol.asyncDispose]();
    await rm(root, { recursive: true, force: true });
  }
});

test('the history of an object that is not one is told from one that is', () => {
  const set =
    (value: string): Step =>
    () =>
      value;
  const saw =
    (value: string): Step =>
    (state) =>
      state === value ? state : IMPOSSIBLE;
  const at = (begun: number, ended: number, what: string, step: Step) => ({ what, begun, ended, step });
  const from = new Set([undefined]);
  const overlapping = [at(1, 4, 'set x', set('x')), at(2, 3, 'set y', set('y'))];
  expect(endings(overlapping, from)).toEqual(new Set(['x', 'y']));
  expect(endings([...overlapping, at(5, 6, 'saw x', saw('x'))], from)).toEqual(new Set(['x']));
  const stale = [at(1, 2, 'set x', set('x')), at(3, 4, 'set y', set('y')), at(5, 6, 'saw x', saw('x'))];
  expect(endings(stale, from)).toEqual(new Set());
  expect(
    endings([at(1, 2, 'set x', set('x')), at(3, 6, 'set y', set('y')), at(4, 5, 'saw x', saw('x'))], from),
  ).toEqual(new Set(['y']));
  expect(() => new Follower().follow(new Map([['thing', stale]]))).toThrow('5-6 saw x');
});

/** Labels of an image as events tell them. @throws if no image can have lived so. */
function replayed(envelopes: readonly Envelope[], wanted: string): Labels | undefined {
  let labels: Labels | undefined;
  for (const { topic, event } of envelopes) {
    if (topic === '/images/create') {
      const made = unpackMessage(ImageCreateSchema, event);
      if (made.name !== wanted) continue;
      if (labels !== undefined) throw new Error(`image ${wanted} is made twice`);
      labels = made.labels;
    } else if (topic === '/images/update') {
      const updated = unpackMessage(ImageUpdateSchema, event);
      if (updated.name !== wanted) continue;
      if (labels === undefined) throw new Error(`image ${wanted} is updated, but is not there`);
      labels = updated.labels;
    } else if (topic === '/images/delete') {
      if (unpackMessage(ImageDeleteSchema, event).name !== wanted) continue;
      if (labels === undefined) throw new Error(`image ${wanted} is deleted, but is not there`);
      labels = undefined;
    }
  }
  return labels;
}

/** The same numbers for the same seed (mulberry32). Clients draw in turn, so only their order varies. */
function diceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
