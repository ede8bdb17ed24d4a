/** A promise of something that takes a while, and can be watched meanwhile. */
export type WithProgress<T, P> = Promise<T> & {
  /**
   * How far it is, until it has ended. Each reader is told the newest of each part, so that a slow one is no burden; who
   * leaves early stops nothing.
   *
   * @throws what the promise rejects with, which then counts as heard.
   */
  progress(): AsyncIterable<P>;
};

/**
 * Begins work at once and hands on what it tells.
 *
 * @param partOf - what part progress is about: of a part only the newest is kept for who has yet to read it.
 */
export function withProgress<T, P>(
  partOf: (progress: P) => string,
  work: (onProgress: (progress: P) => void) => Promise<T>,
): WithProgress<T, P> {
  const readers = new Set<(progress: P) => void>();
  const done = work((progress) => {
    for (const tell of readers) tell(progress);
  });
  const progress = () => {
    done.catch(() => undefined);
    return watched(done, readers, partOf);
  };
  return Object.assign(done, { progress });
}

function watched<P>(
  done: Promise<unknown>,
  readers: Set<(progress: P) => void>,
  partOf: (progress: P) => string,
): AsyncIterable<P> {
  const waiting = new Map<string, P>();
  let changed = Promise.withResolvers<void>();
  let isOver = false;
  const tell = (progress: P) => {
    waiting.set(partOf(progress), progress);
    changed.resolve();
  };
  const end = () => {
    isOver = true;
    readers.delete(tell);
    changed.resolve();
  };
  readers.add(tell);
  done.then(end, end);
  return (async function* () {
    try {
      for (;;) {
        await changed.promise;
        changed = Promise.withResolvers();
        while (waiting.size > 0) {
          const [next] = waiting;
          if (next === undefined) break;
          waiting.delete(next[0]);
          yield next[1];
        }
        if (isOver && waiting.size === 0) break;
      }
      await done;
    } finally {
      readers.delete(tell);
    }
  })();
}
