import {
  type BlobCheck,
  type ContentStore,
  type ContentVerifier,
  type ContentWriter,
  DAMAGED_LABEL,
  type IngestStatus,
  verifierOf,
} from '@stowage/content';
import type { OpenStore } from '@stowage/content-conformance';
import { compileFilters, digestOf, Fault } from '@stowage/core';

/** A store that is broken in one way. */
export interface Mutant {
  readonly name: string;
  /** Cases that must catch it. */
  readonly caughtBy: readonly string[];
  breakIt(store: OpenStore): Partial<OpenStore>;
}

/** An object with some members replaced; methods keep their `this`. */
export function altered<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(changes, name)) return Reflect.get(changes, name);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

function writerMutant(
  name: string,
  caughtBy: readonly string[],
  change: (writer: ContentWriter, store: ContentStore) => Partial<ContentWriter>,
): Mutant {
  const breakIt = (store: ContentStore): Partial<ContentStore> => ({
    async writer(options) {
      const writer = await store.writer(options);
      return altered(writer, change(writer, store));
    },
  });
  return { name, caughtBy, breakIt };
}

/** A verifier that tells of each check what `change` makes of it; nothing, if that is undefined. */
function verifierMutant(
  name: string,
  caughtBy: readonly string[],
  change: (check: BlobCheck) => BlobCheck | undefined,
): Mutant {
  const breakIt = (store: OpenStore) => {
    const whole = verifierOf(store) as ContentVerifier;
    async function* verify(...args: Parameters<ContentVerifier['verify']>) {
      for await (const check of whole.verify(...args)) {
        const changed = change(check);
        if (changed !== undefined) yield changed;
      }
    }
    return { verifier: altered(whole, { verify }) };
  };
  return { name, caughtBy, breakIt };
}

export const mutants: readonly Mutant[] = [
  {
    name: 'read ignores the length',
    caughtBy: ['reads/exactly-the-range'],
    breakIt: (store) => ({
      read: (digest, range, options) => store.read(digest, { offset: range?.offset }, options),
    }),
  },
  {
    name: 'read is a byte late after the first chunk',
    caughtBy: [
      'blobs/larger-than-any-message',
      'reads/exactly-the-range',
      'reads/side-by-side-and-left-early',
    ],
    breakIt: (store) => ({
      async *read(...args) {
        let first = true;
        for await (const chunk of store.read(...args)) {
          yield first ? chunk : chunk.subarray(1);
          first = false;
        }
      },
    }),
  },
  {
    name: 'read past the end gives nothing',
    caughtBy: ['reads/at-the-end-nothing-past-it-out-of-range'],
    breakIt: (store) => ({
      async *read(digest, range, options) {
        const { sizeBytes } = await store.info(digest);
        if ((range?.offset ?? 0n) <= sizeBytes) yield* store.read(digest, range, options);
      },
    }),
  },
  {
    name: 'read uses one buffer for all chunks',
    caughtBy: ['reads/a-chunk-stays-as-it-is-while-others-come', 'blobs/larger-than-any-message'],
    breakIt: (store) => ({
      async *read(...args) {
        const buffer = Buffer.alloc(1024 * 1024);
        for await (const chunk of store.read(...args)) {
          buffer.set(chunk);
          yield buffer.subarray(0, chunk.byteLength);
        }
      },
    }),
  },
  {
    name: 'read fails at the call',
    caughtBy: ['reads/fail-at-the-first-next-not-at-the-call'],
    breakIt: (store) => ({
      read(digest, ...rest) {
        if (digest === digestOf('nobody writes this')) throw new Fault('not_found', digest);
        return store.read(digest, ...rest);
      },
    }),
  },
  {
    name: 'list ignores filters',
    caughtBy: ['lists/filters-of-blobs'],
    breakIt: (store) => ({
      list: (filters = [], options) => {
        compileFilters(filters);
        return store.list([], options);
      },
    }),
  },
  {
    name: 'list stops at its first page',
    caughtBy: ['lists/every-blob-once'],
    breakIt: (store) => ({
      async *list(...args) {
        let left = 100;
        for await (const info of store.list(...args)) if (left-- > 0) yield info;
      },
    }),
  },
  {
    name: 'delete of what is not there succeeds',
    caughtBy: ['blobs/absent-is-not-found-and-named', 'blobs/delete'],
    breakIt: (store) => ({
      async delete(...args) {
        await store.delete(...args).catch((e: unknown) => {
          if (!Fault.is(e, 'not_found')) throw e;
        });
      },
    }),
  },
  {
    name: 'statuses lists nothing',
    caughtBy: ['lists/of-ingests-and-their-filters', 'writers/a-ref-is-any-text'],
    breakIt: () => ({ async *statuses(): AsyncGenerator<IngestStatus> {} }),
  },
  {
    name: 'a ref is not locked',
    caughtBy: ['writers/one-at-a-time-holds-a-ref', 'writers/of-two-that-open-at-once-one-gets-the-ref'],
    breakIt: (store) => ({
      async writer(options) {
        for (let n = 0; ; n += 1) {
          try {
            return await store.writer({ ...options, ref: `${options.ref}${n || ''}` });
          } catch (e) {
            if (!Fault.is(e, 'unavailable')) throw e;
          }
        }
      },
    }),
  },
  {
    name: 'a blob that is here is written again',
    caughtBy: ['writers/a-blob-that-is-here-need-not-be-written'],
    breakIt: (store) => ({ writer: (options) => store.writer({ ...options, expected: undefined }) }),
  },
  {
    name: 'an ingest is never resumed',
    caughtBy: ['resume/where-it-was-left', 'resume/the-same-total-or-none-goes-on'],
    breakIt: (store) => ({
      async writer(options) {
        const writer = await store.writer(options);
        await writer.truncate(0n);
        return writer;
      },
    }),
  },
  {
    name: 'another total goes on where it was left',
    caughtBy: ['resume/another-total-starts-anew'],
    breakIt: (store) => ({ writer: (options) => store.writer({ ...options, total: undefined }) }),
  },
  {
    name: 'signals are not looked at',
    caughtBy: ['info', 'list', 'read', 'writer'].map((call) => `signals/${call}-given-up-before-it-began`),
    breakIt: (store) => ({
      info: (digest) => store.info(digest),
      list: (filters) => store.list(filters),
      read: (digest, range) => store.read(digest, range),
      writer: ({ signal: _, ...options }) => store.writer(options),
    }),
  },
  {
    name: 'an abort gives an error of the store instead of the reason',
    caughtBy: ['signals/info-given-up-before-it-began', 'signals/abort-given-up-before-it-began'],
    breakIt: (store) => ({
      async info(digest, options) {
        if (options?.signal?.aborted) throw new Fault('canceled', 'info: canceled');
        return store.info(digest, options);
      },
      async abort(ref, options) {
        if (options?.signal?.aborted) throw new Fault('canceled', 'abort: canceled');
        return store.abort(ref, options);
      },
    }),
  },
  {
    name: 'update succeeds where no labels are kept',
    caughtBy: ['labels/are-refused-where-none-are-kept'],
    breakIt: (store) => ({ update: (digest) => store.info(digest) }),
  },
  writerMutant(
    'the digest is not checked',
    ['commit/another-digest-is-refused-and-the-ingest-stays'],
    (writer) => ({
      commit: (options) => writer.commit({ ...options, expected: undefined }),
    }),
  ),
  writerMutant(
    'the size is not checked',
    ['commit/another-size-is-refused-and-the-ingest-stays'],
    (writer) => ({
      commit: (options) => writer.commit({ ...options, sizeBytes: undefined }),
    }),
  ),
  writerMutant(
    'the size is not checked where the blob is here',
    ['commit/another-size-is-refused-though-the-blob-is-here'],
    (writer, store) => ({
      async commit(options) {
        const { digest } = await writer.status();
        const isHere = await store.info(digest).then(
          () => true,
          () => false,
        );
        if (!isHere) return writer.commit(options);
        await writer[Symbol.asyncDispose]();
        await store.abort(writer.ref);
        throw new Fault('already_exists', `commit: blob ${digest} is here already`);
      },
    }),
  ),
  writerMutant(
    'a failed commit drops the ingest',
    [
      'commit/another-size-is-refused-and-the-ingest-stays',
      'commit/another-digest-is-refused-and-the-ingest-stays',
    ],
    (writer, store) => ({
      async commit(options) {
        try {
          return await writer.commit(options);
        } catch (e) {
          if (Fault.is(e, 'failed_precondition')) await store.abort(writer.ref);
          throw e;
        }
      },
    }),
  ),
  writerMutant(
    'a commit that comes late succeeds',
    ['commit/of-a-blob-that-is-here-drops-the-ingest', 'commit/of-the-same-bytes-at-once-one-wins'],
    (writer) => ({
      async commit(options) {
        const { digest } = await writer.status();
        try {
          return await writer.commit(options);
        } catch (e) {
          if (Fault.is(e, 'already_exists')) return digest;
          throw e;
        }
      },
    }),
  ),
  writerMutant('a failed commit keeps the ref', ['commit/a-failed-one-frees-the-ref'], (writer, store) => ({
    async commit(options) {
      try {
        return await writer.commit(options);
      } catch (e) {
        if (Fault.is(e, 'failed_precondition')) await store.writer({ ref: writer.ref });
        throw e;
      }
    },
  })),
  writerMutant('written bytes are kept by reference', ['writers/the-buffer-may-be-used-again'], (writer) => {
    const kept: Uint8Array[] = [];
    return {
      async write(bytes) {
        kept.push(bytes);
      },
      async commit(options) {
        for (const bytes of kept) await writer.write(bytes);
        return writer.commit(options);
      },
    };
  }),
  writerMutant('truncate does nothing', ['writers/truncate-to-0-starts-anew'], () => ({
    async truncate() {},
  })),
  writerMutant('truncate drops everything', ['writers/truncate-keeps-what-is-before'], (writer) => ({
    truncate: () => writer.truncate(0n),
  })),
  writerMutant('an abort leaves the writer going', ['abort/ends-the-writer'], (writer) => ({
    async write(bytes, options) {
      await writer.write(bytes, options).catch((e: unknown) => {
        if (!Fault.is(e, 'aborted')) throw e;
      });
    },
  })),
  {
    name: 'bytes are read as they lie there',
    caughtBy: ['damage/a-flip-is-never-served-as-the-whole', 'damage/is-remembered'],
    breakIt: (store) => ({
      async *read(digest, range, options) {
        const { sizeBytes } = await store.info(digest, options);
        if ((range?.offset ?? 0n) > 0n || (range?.length ?? 0n) > 0n || sizeBytes < 2n) {
          yield* store.read(digest, range, options);
          return;
        }
        yield* store.read(digest, { length: 1n }, options);
        yield* store.read(digest, { offset: 1n }, options);
      },
    }),
  },
  {
    name: 'a damaged blob is taken for absent',
    caughtBy: ['damage/a-flip-is-found-by-verify', 'damage/is-not-repaired-by-other-bytes'],
    breakIt: (store) => ({
      async info(digest, options) {
        try {
          return await store.info(digest, options);
        } catch (e) {
          throw Fault.is(e, 'data_loss') ? new Fault('not_found', digest) : e;
        }
      },
    }),
  },
  {
    name: 'a damaged blob is hidden from lists',
    caughtBy: ['damage/stays-in-lists-and-says-so'],
    breakIt: (store) => ({
      async *list(...args) {
        for await (const info of store.list(...args)) if (!(DAMAGED_LABEL in info.labels)) yield info;
      },
    }),
  },
  {
    name: 'a damaged blob need not be written',
    caughtBy: ['damage/is-repaired-by-writing-again'],
    breakIt: (store) => ({
      async writer(options) {
        for await (const { digest } of store.list())
          if (digest === options.expected) throw new Fault('already_exists', digest);
        return store.writer(options);
      },
    }),
  },
  verifierMutant('verify finds all whole', ['damage/a-cut-is-found-by-verify'], (check) => ({
    ...check,
    state: 'whole',
    reason: '',
  })),
  verifierMutant('verify tells of damage only', ['verify/finds-every-blob-whole-once'], (check) =>
    check.state === 'whole' ? undefined : check,
  ),
  verifierMutant('verify tells nothing on its way', ['verify/tells-how-far-it-is'], (check) =>
    check.state === 'running' ? undefined : check,
  ),
];
