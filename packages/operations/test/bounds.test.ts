import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Operations } from '@stowage/api/operations/v1';
import type { OperationChange, Part } from '@stowage/operations';
import { localOperations } from '@stowage/operations/local';
import { operationRoutes } from '@stowage/operations/service';
import { rpcClient } from '@stowage/rpc';
import { memoryTransport } from '@stowage/rpc/transport';
import { operationsConfig } from '../src/config.ts';

const PULL = { kind: 'pull', subject: 'x' };
const NS = { namespace: 'n' };
const part = (name: string, bytesDone = 0n): Part => ({
  ...{ name, mediaType: '', stage: 'fetch', state: 'running' },
  ...{ bytesDone, bytesTotal: 0n },
});

test('progress is told ten times a second at most, and the last of it is', async () => {
  const operations = localOperations();
  await using pull = operations.begin('n', PULL);
  const heard: OperationChange[] = [];
  const stop = new AbortController();
  const hearing = (async () => {
    for await (const change of operations.scope(NS).subscribe({ signal: stop.signal })) heard.push(change);
  })();
  const began = performance.now();
  for (let bytes = 1n; bytes <= 400n; bytes += 1n) {
    pull.part(part('sha256:a', bytes));
    if (bytes % 2n === 0n) await sleep(1);
  }
  await sleep(150);
  const most = (performance.now() - began) / 100 + 2;
  expect(heard.length).toBeLessThanOrEqual(most);
  expect(heard.length).toBeGreaterThan(1);
  expect(heard.at(-1)).toMatchObject({ operation: { parts: [{ bytesDone: 400n }] } });
  stop.abort();
  await expect(hearing).rejects.toThrow();
});

test('who reads slowly hears the last state of each operation, once', async () => {
  const operations = localOperations();
  const pulls = ['a', 'b', 'c'].map((subject) => operations.begin('n', { kind: 'pull', subject }));
  const slow = operations.scope(NS).subscribe()[Symbol.asyncIterator]();
  await slow.next();
  for (let round = 0; round < 50; round += 1) {
    for (const pull of pulls) pull.part(part(`sha256:${round}`));
  }
  for (const pull of pulls) await pull.end();
  const rest: OperationChange[] = [];
  for (let i = 0; i < 3; i += 1) rest.push((await slow.next()).value);
  expect(rest).toMatchObject(['a', 'b', 'c'].map((subject) => ({ operation: { subject, state: 'done' } })));
  const nothing = Symbol('nothing');
  expect(await Promise.race([slow.next(), sleep(30, nothing)])).toBe(nothing);
});

test('who reads so slowly that operations were forgotten is told of a gap', async () => {
  const operations = localOperations({ maxEnded: 2 });
  const first = operations.begin('n', { kind: 'pull', subject: 'first' });
  const slow = operations.scope(NS).subscribe()[Symbol.asyncIterator]();
  await slow.next();
  await first.end();
  for (const subject of ['a', 'b']) await operations.begin('n', { kind: 'pull', subject }).end();
  const heard: OperationChange[] = [];
  for (let i = 0; i < 3; i += 1) heard.push((await slow.next()).value);
  expect(heard).toMatchObject([
    { type: 'gap' },
    { operation: { subject: 'a' } },
    { operation: { subject: 'b' } },
  ]);
});

test('of those that have ended, the oldest of the kind that there are most of goes', async () => {
  const operations = localOperations({ maxEnded: 5 });
  const running = operations.begin('n', { kind: 'pull', subject: 'running' });
  await operations.begin('n', { kind: 'pull', subject: 'old' }).end();
  for (let i = 0; i < 20; i += 1) await operations.begin('', { kind: 'gc', subject: String(i) }).end();
  const left = await Array.fromAsync(operations.scope(NS).list());
  expect(left.map(({ subject }) => subject)).toEqual(['running', 'old', '16', '17', '18', '19']);
  await running.end();
});

test('parts are bounded: in one operation, and in all that have ended', async () => {
  const operations = localOperations({ maxEndedParts: 2500 });
  const scope = operations.scope(NS);
  const big = operations.begin('n', { kind: 'pull', subject: 'big' });
  for (let i = 0; i < 2100; i += 1) big.part(part(`sha256:${i}`));
  big.part(part('sha256:7', 5n));
  await big.end();
  const [told] = await Array.fromAsync(scope.list());
  expect(told).toMatchObject({ hasMoreParts: true });
  expect(told?.parts).toHaveLength(2000);
  expect(told?.parts[7]?.bytesDone).toBe(5n);
  const next = operations.begin('n', { kind: 'pull', subject: 'next' });
  for (let i = 0; i < 600; i += 1) next.part(part(`sha256:${i}`));
  await next.end();
  expect((await Array.fromAsync(scope.list())).map(({ subject }) => subject)).toEqual(['next']);
});

test('texts of any length and shape are cut, and cross the wire', async () => {
  const operations = localOperations();
  const long = '\ud83d\ude00'.repeat(5000);
  const pull = operations.begin('n', { kind: 'pull', subject: long, startedBy: long });
  pull.phase(long);
  pull.part({ ...part(long), mediaType: long });
  await pull.end(new Error(long));
  const rpc = rpcClient(Operations, memoryTransport(operationRoutes((scope) => operations.scope(scope))), NS);
  const [page] = await Array.fromAsync(rpc.list({}));
  const told = page?.operations[0];
  expect(told?.subject.length).toBeLessThanOrEqual(4096);
  expect(told?.startedBy.length).toBeLessThanOrEqual(256);
  expect(told?.error?.message.length).toBeLessThanOrEqual(4096);
  expect(told?.parts[0]?.name.length).toBeLessThanOrEqual(512);
  expect(told?.phases[0]?.name.length).toBeLessThanOrEqual(64);
});

test('a report that does not begin with one, or with nothing in time, is refused and leaves nothing', async () => {
  const operations = localOperations();
  const routes = operationRoutes((scope) => operations.scope(scope), { beginTimeoutMs: 20 });
  const rpc = rpcClient(Operations, memoryTransport(routes), NS);
  const first = (messages: AsyncIterable<{ report: { case: 'end'; value: object } }>) =>
    rpc.report(messages)[Symbol.asyncIterator]().next();
  async function* ends() {
    yield { report: { case: 'end' as const, value: {} } };
  }
  async function* silent() {
    await new Promise(() => {});
    yield* ends();
  }
  await expect(first(ends())).rejects.toMatchObject({ kind: 'invalid_argument' });
  await expect(first(silent())).rejects.toMatchObject({ kind: 'deadline_exceeded' });
  expect(await Array.fromAsync(operations.scope(NS).list())).toEqual([]);
});

test('settings', () => {
  expect(operationsConfig({})).toEqual({ maxEnded: 200 });
  expect(operationsConfig({ max_ended: 7 })).toEqual({ maxEnded: 7 });
  for (const table of [{ max_ended: -1 }, { max_ended: 'x' }, { other: 1 }])
    expect(() => operationsConfig(table)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});
