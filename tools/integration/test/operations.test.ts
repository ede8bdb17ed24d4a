import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Client, connect } from '@stowage/client';
import { LocalContentStore } from '@stowage/content-store';
import { hostPlatform } from '@stowage/core';
import { buildImage, writeArchive } from '@stowage/oci-image';
import type { Operation, OperationChange } from '@stowage/operations';
import { must, newestCtr, type Program, startRegistry, startRegistryFront, until } from '@stowage/testing';
import { beginStowage, mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

// Before the tests are named, so that those that can't run say why.
const newest = await newestCtr();
const byCtr = newest.missing === undefined ? test : test.skip;

let registry: (Program & { readonly host: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});

const suite = withDaemon('operations');
const LAYER_BYTES = 4 * 1024 * 1024;
/** Less than a layer, and more than the two of them may have come of before it is told. */
const HELD_BYTES = 3.5 * 1024 * 1024;
const NS = 'watched';

const client = (namespace = NS): Client => connect(suite.daemon.address, { namespace });

/** Puts an image of two layers of noise into the registry, and nowhere else: what the daemon has is not transferred. */
async function pushNoise(name: string): Promise<void> {
  await using content = await LocalContentStore.open(join(suite.dir, 'content'));
  const target = await buildImage(content, {
    platform: hostPlatform(),
    layers: ['a', 'b'].map((path) => [{ path, data: randomBytes(LAYER_BYTES), mode: 0o644 }]),
    config: {},
  });
  await using pushing = client('pushing');
  const [image] = await pushing.importImages(writeArchive(content, [{ name, target }]));
  await pushing.push(name);
  await image?.remove({ sync: true });
}

beforeAll(async () => {
  registry = await startRegistry(join(suite.dir, 'registry'));
  await pushNoise(`${registry.host}/noise:1`);
}, 60_000);

/** Watches until an operation fits. */
async function watch(
  watcher: Client,
  fits: (operation: Operation) => boolean,
  options: Parameters<Client['services']['operations']['subscribe']>[0] = {},
): Promise<{
  readonly changes: OperationChange[];
  readonly last: Extract<OperationChange, { type: 'changed' }>;
}> {
  const changes: OperationChange[] = [];
  const signal = AbortSignal.timeout(20_000);
  for await (const change of watcher.services.operations.subscribe({ signal, ...options })) {
    changes.push(change);
    if (change.type === 'changed' && fits(change.operation)) return { changes, last: change };
  }
  throw new Error('the subscription ended');
}

const layersOf = ({ parts }: Operation) => parts.filter(({ mediaType }) => mediaType.includes('.layer.'));
/** A pull of which some of a layer has come, and not all of it. */
const isHeld = ({ kind, state, parts }: Operation) =>
  kind === 'pull' &&
  state === 'running' &&
  parts.some(({ bytesDone, bytesTotal }) => bytesDone > 0n && bytesDone < bytesTotal);

async function remove(name: string): Promise<void> {
  await using one = client();
  await (await one.image(name)).remove({ sync: true });
}

test("another client sees a pull's layers grow to their totals, and a push and an import beside it", async () => {
  await using front = await startRegistryFront(registry?.host ?? '', HELD_BYTES);
  const name = `${front.host}/noise:1`;
  await using one = client();
  await using other = client();
  const pulling = one.pull(name, { unpack: true });
  const held = await watch(other, isHeld, { filters: [`subject=="${name}"`] });
  expect(held.last.operation).toMatchObject({
    ...{ kind: 'pull', subject: name, namespace: NS, cancelable: true },
    startedBy: expect.stringContaining(`pid ${process.pid}`),
  });

  // Cut off and resumed: what comes is what changed since, and no gap.
  front.resume();
  await pulling;
  const { changes, last } = await watch(other, ({ state }) => state === 'done', {
    after: held.last.position,
    filters: [`subject=="${name}"`],
  });
  expect(changes.map(({ type }) => type)).not.toContain('gap');
  const { operation } = last;
  expect(operation.phases.map((phase) => phase.name)).toEqual(['resolve', 'fetch', 'unpack', 'commit']);
  expect(layersOf(operation)).toHaveLength(2);
  for (const layer of layersOf(operation)) {
    expect(layer).toMatchObject({ stage: 'unpack', state: 'done', bytesDone: layer.bytesTotal });
    expect(layer.bytesTotal).toBeGreaterThan(BigInt(LAYER_BYTES));
  }
  await remove(name);

  await using all = client('');
  const ended = await Array.fromAsync(all.services.operations.list(['namespace==pushing,state==done']));
  expect(ended.map(({ kind }) => kind).sort()).toEqual(['import', 'push']);
  expect(await Array.fromAsync(other.services.operations.list(['namespace==pushing']))).toEqual([]);
}, 60_000);

test('a cancel by another client ends a pull, and nothing is left of it', async () => {
  await using front = await startRegistryFront(registry?.host ?? '', HELD_BYTES);
  const name = `${front.host}/noise:1`;
  await using one = client();
  const pulling = one.pull(name, { unpack: true });
  pulling.catch(() => undefined);
  await using other = client();
  const { last } = await watch(other, (operation) => operation.subject === name && isHeld(operation));
  const { id } = last.operation;
  expect(await mustStowage(suite.daemon.address, ['-n', NS, 'operations', 'cancel', id])).toBe(`${id}\n`);
  await expect(pulling).rejects.toMatchObject({ kind: 'canceled' });
  expect(await Array.fromAsync(other.services.operations.list([`id==${id}`]))).toMatchObject([
    { state: 'canceled', error: { kind: 'canceled' } },
  ]);
  await expect(one.image(name)).rejects.toMatchObject({ kind: 'not_found' });
  const again = await stowage(suite.daemon.address, ['-n', NS, 'ops', 'cancel', id]);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('has ended') });
}, 60_000);

test('a pull whose client is killed has failed, and its next one does not', async () => {
  await using front = await startRegistryFront(registry?.host ?? '', HELD_BYTES);
  const name = `${front.host}/noise:1`;
  await using other = client();
  const begun = beginStowage(suite.daemon.address, ['-n', NS, 'pull', '-q', name]);
  const { last } = await watch(other, (operation) => operation.subject === name && isHeld(operation));
  expect(last.operation.startedBy).toContain(`pid ${begun.child.pid}`);
  begun.child.kill('SIGKILL');
  await begun.end;
  const ended = await watch(other, ({ state }) => state !== 'running', {
    filters: [`id==${last.operation.id}`],
  });
  expect(ended.last.operation).toMatchObject({
    state: 'failed',
    error: { kind: 'aborted', message: expect.stringContaining('its client went away') },
  });
  front.resume();
  await using one = client();
  await one.pull(name);
  await remove(name);
}, 60_000);

byCtr(
  `a pull that the daemon does for ctr ${newest.missing ?? newest.version} is seen, and canceled`,
  async () => {
    const path = newest.missing === undefined ? newest.path : '';
    await using front = await startRegistryFront(registry?.host ?? '', HELD_BYTES);
    const name = `${front.host}/noise:1`;
    const ctr = (...args: string[]) => must(path, ['--address', suite.daemon.address, '-n', NS, ...args]);
    await using other = client();
    const first = ctr('images', 'pull', '--plain-http', name).catch((e: unknown) => String(e));
    const { last } = await watch(other, (operation) => operation.subject === name && isHeld(operation));
    expect(last.operation).toMatchObject({ kind: 'pull', startedBy: expect.stringContaining('grpc-go') });
    await other.services.operations.cancel(last.operation.id);
    expect(await first).toContain('somebody canceled it');

    front.resume();
    await ctr('images', 'pull', '--plain-http', name);
    const { last: done } = await watch(other, ({ state }) => state === 'done', {
      filters: [`subject=="${name}"`],
    });
    expect(layersOf(done.operation)).toMatchObject([
      { stage: 'unpack', state: 'done' },
      { stage: 'unpack', state: 'done' },
    ]);
    await remove(name);
  },
  60_000,
);

test('collections are seen, with what they go through, and can not be canceled', async () => {
  await using one = client();
  await one.inspector().run();
  const found = await Array.fromAsync(one.services.operations.list(['kind==gc,state==done']));
  const phases = ['mark', 'sweep', 'prune'].map((name) => ({ name }));
  expect(found.at(-1)).toMatchObject({ namespace: '', phases, cancelable: false });
  await expect(one.services.operations.cancel(found.at(-1)?.id ?? '')).rejects.toMatchObject({
    kind: 'failed_precondition',
  });
  const shown = await mustStowage(suite.daemon.address, ['-n', NS, 'operations', 'ls', '-a']);
  expect(shown).toMatch(/^ID +NAMESPACE +KIND +SUBJECT +STATE/);
  expect(shown).toMatch(/ gc /);
});

test('a client that is cut off again and again hears every event exactly once, in order', async () => {
  const event = (n: number) => ({ typeUrl: 'acme.Counted', value: Buffer.from(String(n)) });
  const COUNT = 300;
  await using publisher = client();
  let after = await first(client(), { after: undefined });
  const publishing = (async () => {
    for (let n = 0; n < COUNT; n += 1) await publisher.services.events.publish(NS, '/counted', event(n));
  })();
  const heard: number[] = [];
  let cuts = 0;
  while (heard.length < COUNT) {
    // Disposing cuts the connection, with events on their way.
    await using reader = client();
    let left = 17;
    for await (const notice of reader.events({ after, filters: ['topic=="/counted"'] })) {
      if (notice.type === 'gap') throw new Error('events are lost');
      after = notice.position ?? after;
      if (notice.type === 'event') heard.push(Number(Buffer.from(notice.envelope.event.value).toString()));
      if (heard.length === COUNT || --left === 0) break;
    }
    cuts += 1;
  }
  await publishing;
  expect(heard).toEqual(Array.from({ length: COUNT }, (_, n) => n));
  expect(cuts).toBeGreaterThan(10);

  const since = `${after?.epoch}:${(after?.sequence ?? 0n) - 1n}`;
  const told = beginStowage(suite.daemon.address, ['-n', NS, 'events', '--since', since, '--format', 'json']);
  await until('the event to be shown', async () => told.out().includes('/counted'));
  told.child.kill();
  await told.end;
  const lines = told
    .out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const payload = { base64: Buffer.from(String(COUNT - 1)).toString('base64') };
  expect(lines).toMatchObject([{ position: since }, { namespace: NS, topic: '/counted', event: payload }]);
}, 60_000);

/** Where a client is that begins now. */
async function first(reader: Client, options: Parameters<Client['events']>[0]) {
  await using _ = reader;
  for await (const { position } of reader.events(options)) return position;
  throw new Error('the events ended');
}

test('after a restart of the daemon, operations and events tell of the gap', async () => {
  await using before = client();
  const after = await first(client(), {});
  const { last } = await watch(before, () => true);
  await suite.daemon.stop();
  await suite.daemon.start();
  await using now = client();
  const notices = now.events({ after })[Symbol.asyncIterator]();
  expect((await notices.next()).value).toMatchObject({ type: 'gap' });
  await notices.return?.();
  await using gc = client();
  await gc.inspector().run();
  const resumed = await watch(now, ({ kind }) => kind === 'gc', { after: last.position });
  expect(resumed.changes[0]).toEqual({ type: 'gap' });
}, 60_000);
