import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { writeFifo } from '../src/fifo.ts';
import { InputCopy } from '../src/input-copy.ts';
import { fifo } from './streams.ts';

/** A reader that holds its end, as the container does. */
function reader(path: string): { readonly fd: number } & Disposable {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

test('has ended only when everything was handed over, be it more than a pipe holds', async () => {
  using at = fifo();
  using _held = reader(at.path);
  const source = Readable.from([Buffer.alloc(300_000, 'z')]);
  const copy = new InputCopy(source, await writeFifo(at.path));
  let over: string | undefined;
  const run = copy.run().then((how) => {
    over = how;
  });
  await delay(100);
  expect(over).toBeUndefined();
  const child = spawn('head', ['-c', '300000', at.path]);
  let size = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
  });
  await run;
  await once(child, 'close');
  expect(over).toBe('ended');
  expect(size).toBe(300_000);
});

test('a source that ended before is the end of input', async () => {
  using at = fifo();
  using _held = reader(at.path);
  const source = Readable.from([]);
  source.resume();
  await once(source, 'end');
  const copy = new InputCopy(source, await writeFifo(at.path));
  expect(await copy.run()).toBe('ended');
});

test('what a source fails with is thrown, also if it failed before', async () => {
  for (const early of [true, false]) {
    using at = fifo();
    using _held = reader(at.path);
    const source = new PassThrough();
    const copy = new InputCopy(source, await writeFifo(at.path));
    if (early) {
      source.destroy(new Error('no tape'));
      await delay(10);
    }
    const run = copy.run();
    if (!early) source.destroy(new Error('no tape'));
    await expect(run).rejects.toThrow('no tape');
  }
});

test('when stopped, the source is paused and goes on for the next process', async () => {
  using first = fifo();
  using second = fifo();
  using held = reader(first.path);
  using _held = reader(second.path);
  const source = new PassThrough();
  const copy = new InputCopy(source, await writeFifo(first.path));
  const run = copy.run();
  source.write('one');
  await delay(50);
  copy.stop();
  expect(await run).toBe('stopped');
  expect(source.destroyed).toBe(false);
  const got = Buffer.alloc(16);
  expect(got.toString('utf8', 0, readSync(held.fd, got))).toBe('one');

  const next = new InputCopy(source, await writeFifo(second.path));
  source.end('two');
  const child = spawn('head', ['-c', '3', second.path]);
  expect(await next.run()).toBe('ended');
  expect(await text(child.stdout)).toBe('two');
});

test('one that never ran touches nothing', async () => {
  using at = fifo();
  const source = new PassThrough();
  source.write('kept');
  const copy = new InputCopy(source, await writeFifo(at.path));
  copy.stop();
  source.end();
  expect(await text(source)).toBe('kept');
});
