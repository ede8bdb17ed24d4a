import { blobKey, type Key } from './keys.ts';
import { described, type Thing } from './thing.ts';

/** What an operation makes of one thing; null: it is gone. */
export interface Effect {
  readonly key: Key;
  readonly thing: Thing | null;
}

/** An operation as it is journaled before it is sent. */
export interface Begin {
  readonly n: number;
  readonly client: number;
  readonly operation: string;
  /** All of these happen, or none. */
  readonly effects: readonly Effect[];
  /** What may be there as well as long as nobody knows whether it happened, such as a half-written ingest. */
  readonly maybe: readonly Effect[];
}

export type JournalLine =
  | ({ readonly t: 'begin'; readonly at: number } & Begin)
  /** `at`: when the answer came, before it was journaled; in milliseconds, as Date has them. */
  | { readonly t: 'ack'; readonly n: number; readonly at: number }
  /** It may have happened or not. */
  | { readonly t: 'fail'; readonly n: number; readonly kind: string; readonly message: string }
  /** It was told something that can't be: bytes that are not the blob's, or that what it knows to be there is not. */
  | { readonly t: 'lie'; readonly n: number; readonly message: string };

interface Owned {
  readonly client: number;
  readonly thing: Thing | undefined;
}

export interface WorldDump {
  readonly owned: ReadonlyArray<readonly [Key, number, Thing | null]>;
  readonly open: readonly Begin[];
}

/**
 * What is known of a daemon's state: what acknowledged operations made of it, and which operations are open, that is,
 * under way or failed. Each key belongs to one client, which works one operation at a time and leaves keys of open
 * operations alone, so a key has at most one open operation.
 */
export class World {
  readonly #owned = new Map<Key, Owned>();
  readonly #open = new Map<number, Begin>();
  readonly #expected = new Set<Key>();

  apply(line: JournalLine): void {
    switch (line.t) {
      case 'begin':
        this.#open.set(line.n, line);
        return;
      case 'ack': {
        const begun = this.#open.get(line.n);
        if (begun === undefined) throw new Error(`operation ${line.n} is acknowledged and was never begun`);
        this.#open.delete(line.n);
        for (const { key, thing } of begun.effects) this.#put(key, begun.client, thing ?? undefined);
        return;
      }
      default:
    }
  }

  get(key: Key): Thing | undefined {
    return this.#owned.get(key)?.thing;
  }

  /** All keys that were ever made, with what they are now. */
  entries(): IterableIterator<[Key, Owned]> {
    return this.#owned.entries();
  }

  /** Operations of which nobody knows whether they happened. */
  open(): readonly Begin[] {
    return [...this.#open.values()];
  }

  /** Keys that open operations touch. */
  frozen(): Set<Key> {
    return new Set(this.open().flatMap(({ effects, maybe }) => [...effects, ...maybe].map(({ key }) => key)));
  }

  /**
   * Blobs that an ingest may keep which nobody sees: of one that was opened and not written to before a crash, or whose
   * bytes went with the power, only the record is there, for a day, and keeps the blob that it expects.
   */
  expected(): Set<Key> {
    const keys = this.open().flatMap(({ effects, maybe }) =>
      [...effects, ...maybe].flatMap(({ thing }) =>
        thing?.kind === 'ingest' && thing.expects !== undefined
          ? [blobKey(thing.namespace, thing.expects)]
          : [],
      ),
    );
    return new Set([...this.#expected, ...keys]);
  }

  /**
   * Takes what was found for what is, once it was judged. What only we know of things is kept, but for the seeds of
   * those that are `unfilled`.
   */
  settle(found: ReadonlyMap<Key, Thing>, unfilled: ReadonlySet<Key> = new Set()): void {
    const makers = new Map<Key, Begin>();
    for (const begun of this.open())
      for (const { key } of [...begun.effects, ...begun.maybe]) makers.set(key, begun);
    for (const [key, thing] of found) {
      const begun = makers.get(key);
      const client = this.#owned.get(key)?.client ?? begun?.client;
      if (client === undefined) continue;
      const told = begun === undefined ? [] : [...begun.effects, ...begun.maybe];
      const known = [this.get(key), ...told.filter((e) => e.key === key).map((e) => e.thing)];
      const same = known.find((one) => one != null && described(one) === described(thing));
      this.#put(key, client, unfilled.has(key) ? thing : (same ?? thing));
    }
    for (const [key, { client }] of this.#owned) if (!found.has(key)) this.#put(key, client, undefined);
    for (const key of this.expected()) this.#expected.add(key);
    this.#open.clear();
  }

  dump(): WorldDump {
    const owned = [...this.#owned].map(([key, { client, thing }]) => [key, client, thing ?? null] as const);
    return { owned, open: this.open() };
  }

  static from({ owned, open }: WorldDump): World {
    const world = new World();
    for (const begun of open) world.#open.set(begun.n, begun);
    for (const [key, client, thing] of owned) world.#put(key, client, thing ?? undefined);
    return world;
  }

  #put(key: Key, client: number, thing: Thing | undefined): void {
    this.#owned.set(key, { client, thing });
  }
}
