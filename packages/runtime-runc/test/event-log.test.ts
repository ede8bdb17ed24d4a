import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { TaskStartSchema } from '@stowage/api/events';
import { silentLogger } from '@stowage/core';
import { EventLog } from '../src/supervisor/event-log.ts';

test('a reader that asks for events acknowledged long ago goes on behind them, at rest', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stowage-event-log-'));
  const log = await EventLog.open(join(dir, 'events'), silentLogger);
  const stop = new AbortController();
  const append = (pid: number) =>
    log.append('ns', '/tasks/start', TaskStartSchema, { containerId: 'c', pid });
  await append(1);
  await append(2);
  await log.ack(2);
  const reader = log.read(0, stop.signal);
  const next = reader.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await append(3);
  expect((await next).value).toMatchObject({ seq: 3 });
  stop.abort(new Error('done'));
  await expect(reader.next()).rejects.toThrow('done');
  await log[Symbol.asyncDispose]?.();
  await rm(dir, { recursive: true });
});
