import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { silentLogger } from '@stowage/core';
import { localOperations } from '@stowage/operations/local';
import { tempDir } from '@stowage/testing';
import { pino } from 'pino';
import { levelSwitch } from '../src/debug/level-switch.ts';
import { serveDebug } from '../src/debug/serve.ts';

let held: AsyncDisposableStack;
let address: string;
let written: string[];
const operations = localOperations();
const log = pino({ level: 'info' }, { write: (line: string) => void written.push(line) });
const level = levelSwitch(log);

beforeEach(async () => {
  written = [];
  log.level = 'info';
  held = new AsyncDisposableStack();
  address = join(held.use(await tempDir('debug')).path, 'd.sock');
  const load = {
    connections: 3,
    calls: 7,
    operations: (options: { signal: AbortSignal }) =>
      Array.fromAsync(operations.scope({ namespace: '' }).list(['state==running'], options)),
  };
  const config = { address, uid: 0, gid: 0 };
  held.use(await serveDebug({ config, level, load, log: silentLogger }));
});
afterEach(() => held.disposeAsync());

async function ask(path: string, method = 'GET', body = ''): Promise<{ status: number; text: string }> {
  const asked = request({ socketPath: address, path, method });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const text = (await Array.fromAsync(response.setEncoding('utf8'))).join('');
  return { status: response.statusCode ?? 0, text };
}

test('the socket is for root alone, and says what there is', async () => {
  expect((await stat(address)).mode & 0o777).toBe(0o600);
  expect((await ask('/')).text).toContain('/debug/heap');
  expect(await ask('/nothing')).toMatchObject({ status: 404, text: expect.stringContaining('/debug/vars') });
  expect((await ask('/debug/vars', 'POST')).status).toBe(404);
});

test('variables tell memory, event loop, and what is open', async () => {
  await using _pull = operations.begin('blue', { kind: 'pull', subject: 'alpine' });
  const vars = JSON.parse((await ask('/debug/vars')).text) as Record<string, unknown>;
  expect(vars).toMatchObject({
    pid: process.pid,
    connections: 3,
    calls: 7,
    memory: { rss: expect.any(Number) },
    heap: { heap_size_limit: expect.any(Number) },
    eventLoop: { utilization: expect.any(Number), lateP99Ms: expect.any(Number) },
    operations: [{ kind: 'pull', namespace: 'blue', subject: 'alpine' }],
  });
  expect(vars.descriptors).toBeGreaterThan(2);
});

test('a CPU profile is of as many seconds as were asked for', async () => {
  const { status, text } = await ask('/debug/cpu?seconds=0.2');
  const { nodes, startTime, endTime } = JSON.parse(text) as Record<'startTime' | 'endTime', number> & {
    nodes: unknown[];
  };
  expect(status).toBe(200);
  expect(nodes.length).toBeGreaterThan(0);
  expect(endTime - startTime).toBeGreaterThan(190_000);
});

test.each(['0', '-1', 'x', '301', ''])('%s is no number of seconds', async (seconds) => {
  expect(await ask(`/debug/cpu?seconds=${seconds}`)).toMatchObject({ status: 400 });
});

test('one profile at a time; who leaves makes room for another', async () => {
  const first = request({ socketPath: address, path: '/debug/cpu?seconds=200' });
  first.on('error', () => undefined);
  first.end();
  const isBusy = async () => (await ask('/debug/cpu?seconds=0.01')).status === 409;
  while (!(await isBusy()));
  first.destroy();
  while (await isBusy());
});

test('the log level is told, and changes at once', async () => {
  log.debug({}, 'unheard');
  expect(JSON.parse((await ask('/debug/log-level')).text)).toEqual({ level: 'info' });
  expect(JSON.parse((await ask('/debug/log-level', 'PUT', 'debug')).text)).toEqual({ level: 'debug' });
  log.debug({}, 'heard');
  expect((await ask('/debug/log-level', 'PUT', '"warn"')).status).toBe(200);
  log.info({}, 'unheard');
  expect((await ask('/debug/log-level', 'PUT', '{"level":"error"}')).status).toBe(200);
  for (const bad of ['', 'loud', '{}', 'null', 'x'.repeat(100_000)])
    expect(await ask('/debug/log-level', 'PUT', bad)).toMatchObject({ status: 400 });
  expect(level.level).toBe('error');
  const told = written.map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(told).toEqual(['the log level is changed', 'heard', 'the log level is changed']);
});

test('toggling leads to debug and back to what it was', () => {
  level.set('warn');
  level.toggle();
  expect(level.level).toBe('debug');
  level.toggle();
  expect(level.level).toBe('warn');
});
