import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { TaskOOMSchema, TaskStartSchema } from '@stowage/api/events';
import { silentLogger } from '@stowage/core';
import { EventLog } from '../src/supervisor/event-log.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runc-events-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const open = () => EventLog.open(join(directory, 'events'), silentLogger);

function start(log: EventLog, containerId: string): Promise<void> {
  return log.append('ns', '/tasks/start', TaskStartSchema, { containerId, pid: 1 });
}

/** Numbers of what a reader sees at once. */
async function seen(log: EventLog, after = 0): Promise<number[]> {
  const stop = new AbortController();
  const seqs: number[] = [];
  setTimeout(() => stop.abort(), 30);
  try {
    for await (const { seq } of log.read(after, stop.signal)) seqs.push(seq);
  } catch {
    // The signal ends it.
  }
  return seqs;
}

test('events come in order, to whoever reads from wherever', async () => {
  await using log = await open();
  await Promise.all([start(log, 'a'), start(log, 'b'), start(log, 'c')]);
  expect(log.seq).toBe(3);
  expect(await seen(log)).toEqual([1, 2, 3]);
  expect(await seen(log, 2)).toEqual([3]);
});

test('a reader that waits gets the next event, with all that it says', async () => {
  await using log = await open();
  const stop = new AbortController();
  const next = log.read(0, stop.signal).next();
  const at = new Date();
  await log.append('ns', '/tasks/oom', TaskOOMSchema, { containerId: 'a' }, at);
  const { value } = await next;
  expect(value).toMatchObject({
    seq: 1,
    envelope: {
      namespace: 'ns',
      topic: '/tasks/oom',
      timestamp: at,
      event: { typeUrl: 'containerd.events.TaskOOM' },
    },
  });
  stop.abort();
});

test('what was not acknowledged is there again, and numbers go on', async () => {
  {
    await using log = await open();
    for (const id of ['a', 'b', 'c']) await start(log, id);
    await log.ack(2);
  }
  await using log = await open();
  expect(await seen(log)).toEqual([3]);
  await log.ack(3);
  await start(log, 'd');
  expect(await seen(log)).toEqual([4]);
});

test('numbers go on where all was acknowledged, and one not given out yet acknowledges nothing', async () => {
  {
    await using log = await open();
    await start(log, 'a');
    await log.ack(100);
    await start(log, 'b');
    expect(await seen(log)).toEqual([2]);
    await log.ack(2);
  }
  await using log = await open();
  expect(log.seq).toBe(2);
  await start(log, 'c');
  expect(await seen(log)).toEqual([3]);
});

test('a line that was cut short is left out, and does not spoil the next one', async () => {
  {
    await using log = await open();
    await start(log, 'a');
  }
  await appendFile(join(directory, 'events'), '{"seq":2,"at":17');
  {
    await using log = await open();
    expect(await seen(log)).toEqual([1]);
    await start(log, 'b');
  }
  await using log = await open();
  expect(await seen(log)).toEqual([1, 2]);
});

test('the file does not grow with what was acknowledged', async () => {
  await using log = await open();
  for (let round = 0; round < 40; round++) {
    await Promise.all(Array.from({ length: 100 }, (_, i) => start(log, `c${i}`)));
    await log.ack(log.seq);
  }
  expect((await stat(join(directory, 'events'))).size).toBeLessThan(300_000);
  expect(log.seq).toBe(4000);
});

test('with nobody to read them, repetitions go and all else stays', async () => {
  await using log = await open();
  await start(log, 'a');
  const ooms = Array.from({ length: 6000 }, () =>
    log.append('ns', '/tasks/oom', TaskOOMSchema, { containerId: 'a' }),
  );
  await Promise.all(ooms);
  expect(await seen(log)).toEqual([1, 6001]);
});

test('the file is for root alone', async () => {
  await using log = await open();
  await start(log, 'a');
  expect((await stat(join(directory, 'events'))).mode & 0o777).toBe(0o600);
  expect((await readFile(join(directory, 'events'), 'utf8')).split('\n').length).toBe(3);
});
