import { describe, expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import type { Operation, OperationChange, OperationService, Part } from '@stowage/operations';
import { reaches } from './reaches.ts';

const PULL = { kind: 'pull', subject: 'example/demo:v1', startedBy: 'a test' };
const layer = (name: string, bytesDone: bigint, more: Partial<Part> = {}): Part => ({
  ...{ name, mediaType: 'application/octet-stream', stage: 'fetch', state: 'running' },
  ...{ bytesDone, bytesTotal: 100n },
  ...more,
});

const all = (operations: OperationService, ...filters: string[]) => Array.fromAsync(operations.list(filters));

/** Hears changes until one fits. */
async function until(
  changes: AsyncIterator<OperationChange>,
  fits: (change: OperationChange) => boolean,
): Promise<OperationChange[]> {
  const heard: OperationChange[] = [];
  for (;;) {
    const { value, done } = await changes.next();
    if (done === true) throw new Error('the changes ended');
    heard.push(value);
    if (fits(value)) return heard;
  }
}

const isOf =
  (id: string, state: Operation['state'] = 'running') =>
  (change: OperationChange) =>
    change.type === 'changed' && change.operation.id === id && change.operation.state === state;

const changesOf = (operations: OperationService, ...options: Parameters<OperationService['subscribe']>) =>
  operations.subscribe(...options)[Symbol.asyncIterator]();

describe.each(reaches)('%s', (_, open) => {
  test('an operation is seen by another client from its beginning to its end', async () => {
    await using house = await open();
    const [one, other] = [house.scope({ namespace: 'n' }), house.scope({ namespace: 'n' })];
    const changes = changesOf(other);
    await using pull = await one.begin(PULL);
    const [begun] = await until(changes, isOf(pull.id));
    expect(begun).toMatchObject({
      operation: {
        ...PULL,
        ...{ id: pull.id, namespace: 'n', state: 'running', cancelable: true, parts: [], phases: [] },
      },
    });
    pull.phase('resolve');
    pull.phase('fetch');
    pull.phase('resolve');
    pull.part(layer('sha256:a', 10n));
    pull.part(layer('sha256:b', 0n, { state: 'waiting' }));
    pull.part(layer('sha256:a', 100n, { state: 'done' }));
    await pull.end();
    pull.part(layer('sha256:late', 1n));
    await pull.end(new Error('too late'));
    await until(changes, isOf(pull.id, 'done'));
    await changes.return?.();
    const [ended] = await all(other);
    expect(ended).toMatchObject({
      ...{ id: pull.id, state: 'done', startedAt: expect.any(Date), endedAt: expect.any(Date) },
      phases: [{ name: 'resolve' }, { name: 'fetch' }],
      parts: [layer('sha256:a', 100n, { state: 'done' }), layer('sha256:b', 0n, { state: 'waiting' })],
    });
    expect(ended?.error).toBeUndefined();
  });

  test.each([
    ['a fault', 'failed', 'not_found', 'gone', new Fault('not_found', 'gone')],
    ['an error', 'failed', 'unknown', 'broken', new Error('broken')],
    ['an abort', 'canceled', 'canceled', 'enough', new DOMException('enough', 'AbortError')],
  ])('one that ends by %s is %s: %s', async (_what, state, kind, message, failure) => {
    await using house = await open();
    const operations = house.scope({ namespace: 'n' });
    await using pull = await operations.begin(PULL);
    await pull.end(failure);
    expect(await all(operations)).toMatchObject([{ state, error: { kind, message } }]);
  });

  test('one that is left without an end has failed', async () => {
    await using house = await open();
    const operations = house.scope({ namespace: 'n' });
    const pull = await operations.begin(PULL);
    const changes = changesOf(operations);
    await until(changes, isOf(pull.id));
    await pull[Symbol.asyncDispose]();
    await until(changes, isOf(pull.id, 'failed'));
    await changes.return?.();
    expect(await all(operations)).toMatchObject([
      { error: { kind: 'aborted', message: expect.stringContaining('its client went away') } },
    ]);
  });

  test('anybody can cancel; whoever does it hears why', async () => {
    await using house = await open();
    const [one, other] = [house.scope({ namespace: 'n' }), house.scope({ namespace: '' })];
    await using pull = await one.begin(PULL);
    expect(pull.signal.aborted).toBe(false);
    const heard = new Promise((resolve) => {
      pull.signal.addEventListener('abort', () => resolve(pull.signal.reason), { once: true });
    });
    await other.cancel(pull.id);
    await other.cancel(pull.id);
    expect(await heard).toMatchObject({ kind: 'canceled', message: expect.stringContaining(PULL.subject) });
    await pull.end(pull.signal.reason);
    expect(await all(one)).toMatchObject([{ state: 'canceled', error: { kind: 'canceled' } }]);
    await expect(other.cancel(pull.id)).rejects.toMatchObject({ kind: 'failed_precondition' });
  });

  test('what is not there, of another namespace, or not to be canceled is not canceled', async () => {
    await using house = await open();
    const operations = house.scope({ namespace: 'n' });
    await using pull = await operations.begin(PULL);
    await using whole = house.local.begin('', { kind: 'gc', subject: '', cancelable: false });
    await expect(operations.cancel('nothing')).rejects.toMatchObject({ kind: 'not_found' });
    await expect(house.scope({ namespace: 'o' }).cancel(pull.id)).rejects.toMatchObject({
      kind: 'not_found',
    });
    await expect(operations.cancel(whole.id)).rejects.toMatchObject({ kind: 'failed_precondition' });
    expect([pull.signal.aborted, whole.signal.aborted]).toEqual([false, false]);
    await pull.end();
  });

  test('a namespace sees its own and what is of all; without one, everything is seen', async () => {
    await using house = await open();
    const { local } = house;
    await using a = local.begin('a', { kind: 'pull', subject: 'a' });
    await using b = local.begin('b', { kind: 'push', subject: 'b' });
    await using gc = local.begin('', { kind: 'gc', subject: '' });
    const ids = async (namespace: string, ...filters: string[]) =>
      (await all(house.scope({ namespace }), ...filters)).map(({ id }) => id);
    expect(await ids('a')).toEqual([a.id, gc.id]);
    expect(await ids('b')).toEqual([b.id, gc.id]);
    expect(await ids('')).toEqual([a.id, b.id, gc.id]);
    expect(await ids('', 'namespace==b')).toEqual([b.id]);
    const changes = changesOf(house.scope({ namespace: 'b' }));
    const heard = await until(changes, isOf(gc.id));
    await changes.return?.();
    expect(heard).toHaveLength(2);
  });

  test.each([
    ['kind==push', ['push']],
    ['state==running', ['push']],
    ['state!=running', ['pull']],
    ['subject==one', ['pull', 'push']],
    ['kind==pull,state==done', ['pull']],
    ['nothing==x', []],
  ])('list by %s', async (filter, kinds) => {
    await using house = await open();
    const operations = house.scope({ namespace: 'n' });
    const pull = house.local.begin('n', { kind: 'pull', subject: 'one' });
    await using _push = house.local.begin('n', { kind: 'push', subject: 'one' });
    await pull.end();
    expect((await all(operations, filter)).map(({ kind }) => kind).sort()).toEqual(kinds);
  });

  test('a filter that cannot be parsed is refused', async () => {
    await using house = await open();
    const operations = house.scope({ namespace: 'n' });
    await expect(all(operations, '!')).rejects.toMatchObject({ kind: 'invalid_argument' });
    await expect(changesOf(operations, { filters: ['!'] }).next()).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
  });

  test('an operation needs a namespace, and a word for its kind', async () => {
    await using house = await open();
    await expect(house.scope({ namespace: '' }).begin(PULL)).rejects.toMatchObject({
      kind: 'failed_precondition',
    });
    await expect(house.scope({ namespace: 'n' }).begin({ ...PULL, kind: 'a b' })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
  });

  test('clients have a bound on what they may have under way; the daemon has none', async () => {
    await using house = await open({ maxReported: 2 });
    const operations = house.scope({ namespace: 'n' });
    await using one = await operations.begin(PULL);
    await using _two = await operations.begin(PULL);
    await using _ours = house.local.begin('n', PULL);
    await expect(operations.begin(PULL)).rejects.toMatchObject({ kind: 'resource_exhausted' });
    await one.end();
    await using three = await operations.begin(PULL);
    await three.end();
  });

  test('a subscription goes on where it was: each operation that changed since, once', async () => {
    await using house = await open();
    const operations = house.scope({ namespace: 'n' });
    const one = house.local.begin('n', { kind: 'pull', subject: 'one' });
    const two = house.local.begin('n', { kind: 'pull', subject: 'two' });
    const before = changesOf(operations);
    const last = (await until(before, isOf(two.id))).at(-1);
    await before.return?.();
    if (last?.type !== 'changed') throw new Error('no change');

    one.phase('fetch');
    await one.end();
    const three = house.local.begin('n', { kind: 'pull', subject: 'three' });
    const after = changesOf(operations, { after: last.position });
    const heard = await until(after, isOf(three.id));
    expect(heard.map((change) => change.type === 'changed' && change.operation.subject)).toEqual([
      'one',
      'three',
    ]);
    await two.end();
    await until(after, isOf(two.id, 'done'));
    await after.return?.();
    await three.end();
  });

  test('what can no longer be told is told as a gap, and all there is comes after it', async () => {
    await using house = await open({ maxEnded: 1 });
    const operations = house.scope({ namespace: 'n' });
    const one = house.local.begin('n', { kind: 'pull', subject: 'one' });
    const before = changesOf(operations);
    const last = (await until(before, isOf(one.id))).at(-1);
    await before.return?.();
    if (last?.type !== 'changed') throw new Error('no change');

    await one.end();
    const two = house.local.begin('n', { kind: 'pull', subject: 'two' });
    await two.end();
    for (const after of [last.position, { epoch: 'of another run', sequence: 1n }]) {
      const changes = changesOf(operations, { after });
      const heard = await until(changes, isOf(two.id, 'done'));
      expect(heard.map(({ type }) => type)).toEqual(['gap', 'changed']);
      await changes.return?.();
    }
    // Who begins anew has lost nothing.
    const anew = changesOf(operations);
    expect(await until(anew, isOf(two.id, 'done'))).toHaveLength(1);
    await anew.return?.();
  });

  test('an abort ends a subscription with its reason', async () => {
    await using house = await open();
    const stop = new AbortController();
    const changes = changesOf(house.scope({ namespace: 'n' }), { signal: stop.signal });
    const next = changes.next();
    const reason = new Error('enough');
    setTimeout(() => stop.abort(reason), 20);
    await expect(next).rejects.toBe(reason);
  });
});
