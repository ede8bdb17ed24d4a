import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ContentStore, ContentWriter } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { contentRoutes } from '@stowage/content/service';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf, Fault, type FaultKind, type Scope } from '@stowage/core';
import { Metadata } from '@stowage/metadata';
import { memoryTransport } from '@stowage/rpc/transport';
import fc from 'fast-check';
import { ContentModel } from './content-model.ts';

const LONG = process.env.STOWAGE_LONG === '1';
const RUNS = LONG ? 20_000 : 200;
/** In memory, where there is such a thing: what is asked here is not what a disk keeps. */
const BASE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** One daemon for all runs, each in a namespace of its own. They share bytes, and nothing else. */
class Daemon {
  readonly #root: string;
  #backend: LocalContentStore | undefined;
  #metadata: Metadata | undefined;
  readonly #transport = memoryTransport(contentRoutes((scope) => this.#scoped(scope)));

  constructor(root: string) {
    this.#root = root;
  }

  async start(): Promise<void> {
    this.#backend = await LocalContentStore.open(join(this.#root, 'content'));
    const options = { content: this.#backend, contentSharing: 'isolated' } as const;
    this.#metadata = await Metadata.open(join(this.#root, 'metadata'), options);
  }

  /** As clients reach it: through both RPC ends. */
  content(namespace: string): ContentStore {
    return remoteContent(this.#transport, { namespace });
  }

  #scoped(scope: Scope): ContentStore {
    const content = this.#metadata?.scope(scope).content;
    if (content === undefined) throw new Error('there is a content store');
    return content;
  }

  async stop(): Promise<void> {
    await this.#metadata?.[Symbol.asyncDispose]();
    await this.#backend?.[Symbol.asyncDispose]();
  }
}

let daemon: Daemon;
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(BASE, 'content-writes-'));
  daemon = new Daemon(root);
  await daemon.start();
});
afterAll(async () => {
  await daemon.stop();
  await rm(root, { recursive: true, force: true });
});

/** Nearly all happens to one ref, or little would. */
const ref = fc.constantFrom('a', 'a', 'a', 'b/../b');
const total = fc.constantFrom(0n, 2n, 3n);
/** Few, so that the same blob comes to be in several ways. */
const text = fc.constantFrom('', 'x', 'y', 'xy');
const blob = fc.constantFrom('', 'x', 'xy', 'xyx').map((bytes) => digestOf(bytes));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const step = fc.oneof(
  {
    weight: 15,
    arbitrary: fc.record({ do: fc.constant('open' as const), ref, total, expected: maybe(blob) }),
  },
  { weight: 21, arbitrary: fc.record({ do: fc.constant('write' as const), ref, text }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('start anew' as const), ref }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      ref,
      size: fc.constantFrom('any', 'any', 'right', 'wrong'),
      digest: fc.constantFrom('any', 'any', 'right', 'wrong'),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('close' as const), ref }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('disconnect' as const), ref, text }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('abort' as const), ref }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), digest: blob }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function kindOf(work: Promise<unknown>): Promise<FaultKind | undefined> {
  try {
    await work;
    return undefined;
  } catch (e) {
    if (Fault.is(e)) return e.kind;
    throw e;
  }
}

/** The real thing and the model, side by side. */
class Run {
  readonly #model = new ContentModel();
  readonly #writers = new Map<string, ContentWriter>();
  readonly #namespace: string;
  #content: ContentStore;

  constructor(namespace: string) {
    this.#namespace = namespace;
    this.#content = daemon.content(namespace);
  }

  async take(step: Step): Promise<void> {
    const model = this.#model;
    switch (step.do) {
      case 'open': {
        const { ref, total, expected } = step;
        const opening = this.#content.writer({ ref, total, expected });
        expect(await kindOf(opening)).toBe(model.open(ref, total, expected));
        const writer = await opening.catch(() => undefined);
        if (writer !== undefined) this.#writers.set(ref, writer);
        break;
      }
      case 'delete':
        expect(await kindOf(this.#content.delete(step.digest))).toBe(model.delete(step.digest));
        break;
      case 'restart':
        await daemon.stop();
        await daemon.start();
        this.#content = daemon.content(this.#namespace);
        await this.end();
        model.restart();
        break;
      case 'abort': {
        const writer = this.#writers.get(step.ref);
        expect(await kindOf(this.#content.abort(step.ref))).toBe(model.abort(step.ref));
        this.#writers.delete(step.ref);
        if (writer !== undefined) expect(await kindOf(writer.write(Buffer.from('late')))).toBe('aborted');
        break;
      }
      default: {
        const writer = this.#writers.get(step.ref);
        if (writer !== undefined) await this.#use(writer, step);
      }
    }
    await this.#compareIngests();
  }

  async #use(
    writer: ContentWriter,
    step: Extract<Step, { do: 'write' | 'start anew' | 'commit' | 'close' | 'disconnect' }>,
  ): Promise<void> {
    const model = this.#model;
    const { ref } = step;
    const bytes = model.bytesOf(ref);
    switch (step.do) {
      case 'write':
        await writer.write(Buffer.from(step.text));
        model.set(ref, bytes + step.text);
        break;
      case 'start anew':
        await writer.truncate(0n);
        model.startAnew(ref);
        break;
      case 'commit': {
        const sizeBytes = pick(step.size, BigInt(bytes.length), BigInt(bytes.length) + 1n);
        const expected = pick(step.digest, digestOf(bytes), digestOf('nothing like it'));
        // On the wire a size of 0 means any.
        const size = sizeBytes === 0n ? undefined : sizeBytes;
        expect(await kindOf(writer.commit({ sizeBytes: size, expected }))).toBe(
          model.commit(ref, size, expected),
        );
        this.#writers.delete(ref);
        break;
      }
      case 'close':
        await writer[Symbol.asyncDispose]();
        model.end(ref);
        this.#writers.delete(ref);
        break;
      case 'disconnect':
        await this.#disconnect(writer, ref, step.text);
    }
    if (this.#writers.get(ref) !== writer) return;
    const { offset, digest } = await writer.status();
    expect([offset, digest]).toEqual([BigInt(model.bytesOf(ref).length), digestOf(model.bytesOf(ref))]);
  }

  /** The connection breaks while a write is on its way: the bytes have come, or they have not. */
  async #disconnect(writer: ContentWriter, ref: string, text: string): Promise<void> {
    const gone = new AbortController();
    const writing = writer.write(Buffer.from(text), { signal: gone.signal });
    setImmediate(() => gone.abort(new Error('the connection broke')));
    await writing.catch(() => undefined);
    await writer[Symbol.asyncDispose]();
    this.#writers.delete(ref);
    this.#model.end(ref);
    const bytes = this.#model.bytesOf(ref);
    await using again = await this.#soon(ref);
    const { digest } = await again.status();
    const [without, and] = [digestOf(bytes), digestOf(bytes + text)];
    expect([without, and]).toContain(digest);
    this.#model.set(ref, digest === without ? bytes : bytes + text);
  }

  /** A server learns a little later that a client has gone. */
  async #soon(ref: string): Promise<ContentWriter> {
    for (const deadline = Date.now() + 10_000; ; ) {
      try {
        return await this.#content.writer({ ref });
      } catch (e) {
        if (!Fault.is(e, 'unavailable') || Date.now() > deadline) throw e;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }

  async #compareIngests(): Promise<void> {
    const real = await Array.fromAsync(this.#content.statuses());
    const found = real.map(({ ref, offset, total }) => [ref, offset, total]).sort();
    const wanted = [...this.#model.ingests].map(([ref, { bytes, total }]) => [
      ref,
      BigInt(bytes.length),
      total,
    ]);
    expect(found).toEqual(wanted.sort());
  }

  /** Blobs and bytes of ingests are what the model has. */
  async compareAll(): Promise<void> {
    const blobs = await Array.fromAsync(this.#content.list());
    expect(new Set(blobs.map(({ digest }) => digest))).toEqual(this.#model.blobs);
    for (const { digest } of blobs) {
      const bytes = Buffer.concat(await Array.fromAsync(this.#content.read(digest)));
      expect(digestOf(bytes)).toBe(digest);
    }
    await this.end();
    for (const [ref, { bytes }] of this.#model.ingests) {
      await using writer = await this.#content.writer({ ref });
      expect((await writer.status()).digest).toBe(digestOf(bytes));
    }
  }

  async end(): Promise<void> {
    for (const writer of this.#writers.values()) await writer[Symbol.asyncDispose]();
    this.#writers.clear();
  }
}

function pick<T>(which: string, right: T, wrong: T): T | undefined {
  if (which === 'any') return undefined;
  return which === 'right' ? right : wrong;
}

let count = 0;

test(
  `writers of a namespace do what the model does, ${RUNS} times`,
  async () => {
    const body = async (steps: readonly Step[]) => {
      const run = new Run(`run-${++count}`);
      try {
        for (const step of steps) await run.take(step);
        await run.compareAll();
      } finally {
        await run.end();
      }
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 14 }), body), {
      numRuns: RUNS,
    });
  },
  LONG ? 3_600_000 : 300_000,
);
