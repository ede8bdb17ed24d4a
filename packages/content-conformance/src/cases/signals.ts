import assert from 'node:assert/strict';
import type { ContentStore } from '@stowage/content';
import { digestOf } from '@stowage/core';
import type { Case } from '../subject.ts';
import { bytes, collect, failureOf, leave, put, writerSoon } from '../support.ts';

const reason = new Error('given up by the caller');
const signal = AbortSignal.abort(reason);
const blob = digestOf('blob');

const CALLS: ReadonlyArray<readonly [string, (store: ContentStore) => Promise<unknown>]> = [
  ['info', (store) => store.info(blob, { signal })],
  ['update', (store) => store.update(blob, {}, undefined, { signal })],
  ['list', (store) => collect(store.list([], { signal }))],
  ['delete', (store) => store.delete(blob, { signal })],
  ['read', (store) => collect(store.read(blob, {}, { signal }))],
  ['status', (store) => store.status('left', { signal })],
  ['statuses', (store) => collect(store.statuses([], { signal }))],
  ['writer', (store) => store.writer({ ref: 'new', signal })],
  ['abort', (store) => store.abort('left', { signal })],
];

export const signalCases: readonly Case[] = [
  ...CALLS.map(([name, call]) => ({
    id: `signals/${name}-given-up-before-it-began`,
    async run({ store }: Parameters<Case['run']>[0]) {
      await put(store, 'blob');
      await leave(store, 'left', 'x');
      assert.equal(await failureOf(call(store)), reason);
      assert.equal((await store.info(blob)).sizeBytes, 4n);
      assert.equal((await store.status('left')).offset, 1n);
      assert.equal((await collect(store.statuses())).length, 1);
    },
  })),
  {
    id: 'signals/calls-of-a-writer-given-up-before-they-began',
    async run({ store }) {
      await using writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('hello'));
      assert.equal(await failureOf(writer.write(Buffer.from('more'), { signal })), reason);
      assert.equal(await failureOf(writer.truncate(0n, { signal })), reason);
      assert.equal(await failureOf(writer.status({ signal })), reason);
      assert.equal(await failureOf(writer.commit({ signal })), reason);
      assert.equal((await store.status('r')).offset, 5n);
    },
  },
  {
    id: 'signals/a-read-given-up-on-its-way',
    async run({ store }) {
      const digest = await put(store, bytes(8_000_000));
      const stop = new AbortController();
      const reading = (async () => {
        for await (const _ of store.read(digest, {}, { signal: stop.signal })) stop.abort(reason);
      })();
      assert.equal(await failureOf(reading), reason);
    },
  },
  {
    id: 'signals/a-write-given-up-on-its-way-frees-the-ref',
    async run({ store }) {
      const stop = new AbortController();
      const data = bytes(8_000_000);
      const writer = await store.writer({ ref: 'r' });
      const writing = writer.write(data, { signal: stop.signal });
      setImmediate(() => stop.abort(reason));
      await writing.catch((e: unknown) => assert.equal(e, reason));
      await writer[Symbol.asyncDispose]();
      // What is there is the beginning of what was sent, whatever its length.
      await using again = await writerSoon(store, 'r');
      const { offset, digest } = await again.status();
      assert.equal(digest, digestOf(data.subarray(0, Number(offset))));
    },
  },
];
