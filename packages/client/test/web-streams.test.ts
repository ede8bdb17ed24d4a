import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { ReadableStream, WritableStream } from 'node:stream/web';
import { expect, test } from '@jest/globals';
import { readableOf, writableOf } from '../src/web-streams.ts';

const bytes = (of: string) => new TextEncoder().encode(of);

test('a stream of the web is read to its end, and unlocked', async () => {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes('one '));
      controller.enqueue(bytes('two'));
      controller.close();
    },
  });
  const read = readableOf(source);
  expect(source.locked).toBe(true);
  expect(await text(read)).toBe('one two');
  expect(source.locked).toBe(false);
});

test('one that is destroyed while it waits unlocks its source, which is not canceled', async () => {
  let wasCanceled = false;
  const source = new ReadableStream<Uint8Array>({
    cancel: () => {
      wasCanceled = true;
    },
  });
  const read = readableOf(source).on('data', () => undefined);
  await new Promise(setImmediate);
  read.destroy();
  await once(read, 'close');
  expect([source.locked, wasCanceled]).toEqual([false, false]);
});

test('what a source fails with is told', async () => {
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new Error('no tape')),
  });
  await expect(text(readableOf(source))).rejects.toThrow('no tape');
});

test('a sink is written to as fast as it takes it, unlocked at the end, and not closed', async () => {
  const written: string[] = [];
  let isClosed = false;
  let take = Promise.withResolvers<void>();
  const sink = new WritableStream<Uint8Array>({
    async write(chunk) {
      await take.promise;
      written.push(Buffer.from(chunk).toString());
    },
    close: () => {
      isClosed = true;
    },
  });
  const write = writableOf(sink);
  write.write('one');
  let isDone = false;
  write.write('two', () => {
    isDone = true;
  });
  await new Promise(setImmediate);
  expect([written, isDone]).toEqual([[], false]);
  take.resolve();
  take = Promise.withResolvers();
  take.resolve();
  write.end();
  await once(write, 'close');
  expect(written).toEqual(['one', 'two']);
  expect([sink.locked, isClosed, isDone]).toEqual([false, false, true]);
});

test('what a sink fails with is told', async () => {
  const sink = new WritableStream<Uint8Array>({
    write() {
      throw new Error('disk full');
    },
  });
  const write = writableOf(sink);
  write.write('x');
  const [e] = await once(write, 'error');
  expect((e as Error).message).toBe('disk full');
  expect(sink.locked).toBe(false);
});

test('streams of Node are taken as they are', () => {
  expect(readableOf(process.stdin)).toBe(process.stdin);
  expect(writableOf(process.stdout)).toBe(process.stdout);
});
