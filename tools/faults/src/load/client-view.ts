import { LABEL, type Labels } from '@stowage/core';
import { type Key, keyOf, reachable, refsOf } from '../model/keys.ts';
import type { Kind, Of, Thing } from '../model/thing.ts';
import type { World } from '../model/world.ts';
import type { Rng } from '../rng.ts';
import { NAMESPACES } from '../services.ts';
import type { ClientWork } from './client.ts';

/**
 * What one client knows to be there and may work on: its own things, without those of open operations, and of these only
 * what is kept from garbage collection. What it lets go it never takes up again, because it may be collected any moment.
 */
export class ClientView {
  readonly id: number;
  readonly namespace: string;
  readonly rng: Rng;
  /** Whether bytes that nobody synced may be gone. */
  readonly unsynced: boolean;
  readonly #world: World;
  readonly #unique: () => string;
  readonly #things: ReadonlyMap<Key, Thing>;
  readonly #frozen: ReadonlySet<Key>;
  readonly #pins: ReadonlyMap<Key, number>;

  constructor({ world, id, rng, unique, unsynced }: ClientWork) {
    this.unsynced = unsynced;
    this.id = id;
    this.namespace = namespaceOf(id);
    this.rng = rng;
    this.#world = world;
    this.#unique = unique;
    this.#frozen = world.frozen();
    const own = new Map<Key, Thing>();
    const pins = new Map<Key, number>();
    for (const [key, { client, thing }] of world.entries()) {
      if (client !== id || thing === undefined) continue;
      for (const ref of refsOf(thing)) if (thing.kind !== 'edge') pins.set(ref, (pins.get(ref) ?? 0) + 1);
      if (!this.#frozen.has(key)) own.set(key, thing);
    }
    // What open operations would refer to must stay as well.
    for (const { effects } of world.open())
      for (const { thing } of effects)
        if (thing !== null && thing.kind !== 'edge')
          for (const ref of refsOf(thing)) pins.set(ref, (pins.get(ref) ?? 0) + 1);
    const kept = reachable(own);
    this.#things = new Map([...own].filter(([key]) => kept.has(key)));
    this.#pins = pins;
  }

  all<K extends Kind>(kind: K): Of<K>[] {
    return [...this.#things.values()].filter((thing): thing is Of<K> => thing.kind === kind);
  }

  one<K extends Kind>(kind: K, fits: (thing: Of<K>) => boolean = () => true): Of<K> | undefined {
    return this.rng.pick(this.all(kind).filter(fits));
  }

  /** Whether there are fewer than that many, so that the state stays of a size that can be checked in no time. */
  room(kind: Kind, most: number): boolean {
    return this.all(kind).length < most;
  }

  /** Whether a key may be made: it is not there, and nobody is unsure of it. */
  isFree(key: Key): boolean {
    return this.#world.get(key) === undefined && !this.#frozen.has(key);
  }

  /** Whether it is unknown what a lease holds. */
  isUnsure(lease: string): boolean {
    const prefix = `edge ${this.namespace} ${lease} `;
    return [...this.#frozen].some((key) => key.startsWith(prefix));
  }

  /** Whether nothing but leases refers to a thing. */
  isLoose(thing: Thing): boolean {
    return !this.#pins.has(keyOf(thing));
  }

  /** A name that nobody ever used. */
  fresh(prefix: string): string {
    return `${prefix}-${this.#unique()}`;
  }

  labels(more: Labels = {}): Labels {
    return { ...more, 'faults.example/mark': this.fresh('mark') };
  }

  /** Labels by which a thing keeps itself. */
  rooted(): Labels {
    return this.labels({ [LABEL.gcRoot]: '2020-01-01T00:00:00Z' });
  }

  /** New labels for a thing that keeps what the old ones kept. */
  relabelled({ labels }: { readonly labels: Labels }): Labels {
    const kept = Object.entries(labels).filter(([label]) => label.startsWith('containerd.io/gc.'));
    return this.labels(Object.fromEntries(kept));
  }
}

export function namespaceOf(client: number): string {
  return NAMESPACES[client % NAMESPACES.length] ?? NAMESPACES[0];
}
