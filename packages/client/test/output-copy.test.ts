import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { readFifo } from '../src/fifo.ts';
import { OutputCopy } from '../src/output-copy.ts';
import { fifo, writer } from './streams.ts';

test('what was written before the copy began is copied, and the last writer ends it', async () => {
  using at = fifo();
  const copy = new OutputCopy(await readFifo(at.path), true);
  {
    using process_ = writer(at.path);
    process_.write('early\n');
    copy.start();
    process_.write('late\n');
  }
  await copy.done;
  expect(await text(copy.shown as PassThrough)).toBe('early\nlate\n');
});

test('an output much larger than a pipe reaches a slow sink whole, and does not pile up on the way', async () => {
  using at = fifo();
  const hash = createHash('sha256');
  let size = 0;
  let most = 0;
  const sink = new Writable({
    highWaterMark: 16 * 1024,
    write(chunk: Buffer, _, done) {
      hash.update(chunk);
      size += chunk.length;
      most = Math.max(most, sink.writableLength);
      setTimeout(done, 1);
    },
  });
  const copy = new OutputCopy(await readFifo(at.path), sink);
  copy.start();
  const child = spawn('sh', ['-c', `seq 1 300000 > "${at.path}"`]);
  await copy.done;
  sink.end();
  await once(sink, 'finish');
  expect(child.exitCode ?? 0).toBe(0);
  const expected = createHash('sha256');
  let expectedSize = 0;
  for (let i = 1; i <= 300_000; i++) {
    expected.update(`${i}\n`);
    expectedSize += `${i}\n`.length;
  }
  expect(size).toBe(expectedSize);
  expect(hash.digest('hex')).toBe(expected.digest('hex'));
  expect(most).toBeLessThan(256 * 1024);
});

test('a sink that fails is told, and the writer is not stopped by it', async () => {
  using at = fifo();
  const sink = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  });
  const copy = new OutputCopy(await readFifo(at.path), sink);
  copy.start();
  const child = spawn('sh', ['-c', `seq 1 100000 > "${at.path}"`]);
  await expect(copy.done).rejects.toMatchObject({ code: 'EPIPE' });
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  copy.stop();
});

test('a sink that has ended before the start is a failed_precondition', async () => {
  using at = fifo();
  const sink = new PassThrough();
  sink.end();
  const copy = new OutputCopy(await readFifo(at.path), sink);
  copy.start();
  await expect(copy.done).rejects.toMatchObject({ kind: 'failed_precondition' });
  copy.stop();
});

test('the sink of a caller is neither ended nor destroyed, and keeps no listener', async () => {
  using at = fifo();
  const sink = new PassThrough();
  const before = ['drain', 'error', 'close'].map((event) => sink.listenerCount(event));
  const copy = new OutputCopy(await readFifo(at.path), sink);
  copy.start();
  {
    using process_ = writer(at.path);
    process_.write('x');
  }
  await copy.done;
  expect(sink.writable).toBe(true);
  expect(['drain', 'error', 'close'].map((event) => sink.listenerCount(event))).toEqual(before);
});

test('hurry hands over the last of it to a sink that nobody reads', async () => {
  using at = fifo();
  const copy = new OutputCopy(await readFifo(at.path), true);
  copy.start();
  const line = 'y'.repeat(1023);
  {
    using process_ = writer(at.path);
    for (let i = 0; i < 60; i++) process_.write(`${line}\n`);
    await delay(50);
  }
  copy.hurry();
  await copy.done;
  copy.stop();
  expect(await text(copy.shown as PassThrough)).toBe(`${line}\n`.repeat(60));
});

test('one that is let go before it began settles, and ends what it shows', async () => {
  using at = fifo();
  const copy = new OutputCopy(await readFifo(at.path), true);
  copy.stop();
  await copy.done;
  expect(await text(copy.shown as PassThrough)).toBe('');
});
