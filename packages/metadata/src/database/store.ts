import { Level } from 'level';
import type { RawStore } from './scan.ts';

export type Store = Level<string, Uint8Array>;

const PAGE = 1000;
const PAGE_BYTES = 128 * 1024;

export function newStore(path: string, options: { readonly createIfMissing: boolean }): Store {
  return new Level(path, { valueEncoding: 'view', ...options });
}

/** A store for whoever goes through all of it. The loop turns between pages. */
export function rawStore(store: Store): RawStore {
  return {
    get: (key) => store.get(key),
    async *pages() {
      const iterator = store.iterator({ highWaterMarkBytes: PAGE_BYTES, fillCache: false });
      try {
        for (;;) {
          const page = await iterator.nextv(PAGE);
          if (page.length === 0) return;
          yield page;
        }
      } finally {
        await iterator.close();
      }
    },
  };
}
