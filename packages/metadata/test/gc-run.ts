import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '@stowage/core';
import { Doer, type Effect } from './gc-doer.ts';
import { type Id, Model } from './gc-model.ts';
import type { Step } from './gc-program.ts';
import type { Setting } from './setting.ts';

/** How long a call may take to be answered before the collection goes on meanwhile. */
const PATIENCE_MS = 2;

/** The smaller, the more pauses: a large one has most of them where things are removed. */
const PIECE_SIZES = [1, 2, 3, 5, 8];

/** What runs have done, in sum. */
export interface Tally {
  steps: number;
  /** Calls that the collection went on beside. */
  beside: number;
  removed: number;
  /** Objects that nothing reached at some moment of a collection, and that were reached again. */
  revived: number;
}

interface Flight {
  readonly step: Step;
  readonly ended: Promise<void>;
  effect: Effect | undefined;
  error: unknown;
  isOver: boolean;
  /** Whether the collection went on before it was answered. */
  crossed: boolean;
}

/**
 * A program of calls in the pauses of collections, and a model that follows it. It fails if anything is removed that was
 * not unreachable at some moment of the collection or has been revived since, and if what comes to be reached is not
 * whole.
 */
export class GcRun {
  readonly #at: Setting;
  readonly #clock: { now: number };
  readonly #tally: Tally;
  readonly #model = new Model();
  readonly #doer: Doer;
  readonly #left: Step[];
  #pauses = 0;
  #flight: Flight | undefined;
  /** What the collection under way may remove. */
  readonly #mayGo = new Set<Id>();
  /** What somebody was told is there, and all that it keeps, in this collection. */
  readonly #told = new Set<Id>();
  /** What only a flat lease held at some moment of this collection. */
  readonly #flat = new Set<Id>();
  /** What was there while something that it keeps was removed; it has not been written since. */
  readonly #torn = new Map<Id, Set<Id>>();

  constructor(at: Setting, seed: string, clock: { now: number }, program: readonly Step[], tally: Tally) {
    this.#at = at;
    this.#clock = clock;
    this.#tally = tally;
    this.#left = [...program].reverse();
    this.#doer = new Doer(
      seed,
      (namespace, lease) => at.scope(namespace, lease),
      () => clock.now,
    );
  }

  async run(): Promise<void> {
    while (this.#left.length > 0 || this.#flight !== undefined) {
      this.#told.clear();
      this.#flat.clear();
      this.#mayGo.clear();
      this.#look();
      const pieceSize = PIECE_SIZES[this.#left.length % PIECE_SIZES.length];
      const { removed } = await this.#at.metadata.collect({ pieceSize, pause: () => this.#pause() });
      this.#tally.removed += removed;
      await this.#flight?.ended;
      await this.#land();
      const there = await this.#there();
      this.#follow(
        [...this.#model.things.keys()].filter((id) => isSwept(id) && !there.has(id)),
        {},
      );
      for (const id of there) check(this.#model.things.has(id), `${id} is there`, undefined);
    }
    await this.#settle();
    await this.#cleanUp();
  }

  async #pause(): Promise<void> {
    this.#pauses += 1;
    if (this.#flight !== undefined) await Promise.race([this.#flight.ended, pause(PATIENCE_MS)]);
    await this.#land();
    for (let next = this.#left.at(-1); next !== undefined; next = this.#left.at(-1)) {
      if (this.#flight !== undefined || next.wait >= this.#pauses) return;
      this.#left.pop();
      this.#pauses = 0;
      this.#follow(await this.#gone(), {});
      await Promise.race([this.#start(next), pause(PATIENCE_MS)]);
      await this.#land();
    }
  }

  #start(step: Step): Promise<void> {
    this.#tally.steps += 1;
    const flight: Flight = {
      step,
      ended: this.#doer.do(step, this.#model, this.#dying()).then(
        (effect) => {
          flight.isOver = true;
          flight.effect = effect;
        },
        (e: unknown) => {
          flight.isOver = true;
          flight.error = e;
        },
      ),
      effect: undefined,
      error: undefined,
      isOver: false,
      crossed: false,
    };
    this.#flight = flight;
    return flight.ended;
  }

  #dying(): Id[] {
    return [...this.#mayGo].filter((id) => this.#model.things.has(id)).sort();
  }

  /** Tells the model of a call that was answered. */
  async #land(): Promise<void> {
    const flight = this.#flight;
    if (flight === undefined) return;
    if (!flight.isOver) {
      if (!flight.crossed) this.#tally.beside += 1;
      flight.crossed = true;
      return;
    }
    this.#flight = undefined;
    if (flight.error !== undefined) throw flight.error;
    const effect = flight.effect ?? {};
    // While the collection waited for the answer it removed nothing.
    const gone = flight.crossed ? await this.#gone() : [];
    for (const [id] of effect.makes ?? []) {
      if (!this.#model.things.has(id)) continue;
      check(flight.crossed && this.#mayGo.has(id), `${id} was made, but was there`, flight.step);
      this.#model.things.delete(id);
    }
    this.#follow(gone, effect, flight.step);
  }

  #follow(missing: readonly Id[], effect: Effect, step?: Step): void {
    const { things } = this.#model;
    const dropped = new Set(effect.drops);
    const gone = missing.filter((id) => things.has(id) && !dropped.has(id));
    for (const id of gone) check(this.#mayGo.has(id), `${id} was removed`, step);
    this.#tear(gone);
    for (const id of gone) things.delete(id);
    for (const id of effect.needs ?? []) check(things.has(id), `${id} was said to be there`, step);
    for (const [id, thing] of [...(effect.makes ?? []), ...(effect.sets ?? [])]) {
      things.set(id, thing);
      this.#torn.delete(id);
    }
    const lease = step && this.#doer.leaseOf(step);
    for (const id of effect.holds ?? []) things.get(lease ?? '')?.refs.add(id);
    for (const id of effect.letsGo ?? []) things.get(lease ?? '')?.refs.delete(id);
    for (const id of dropped) things.delete(id);
    for (const id of this.#model.reached(this.#clock.now, effect.tells ?? []).full) this.#told.add(id);
    this.#clock.now += effect.sleepsMs ?? 0;
    this.#look(step);
  }

  #look(step?: Step): void {
    const { full, flat } = this.#model.reached(this.#clock.now);
    for (const id of flat) this.#flat.add(id);
    for (const id of this.#model.things.keys()) {
      if (!full.has(id) && !flat.has(id) && !this.#told.has(id)) this.#mayGo.add(id);
      else if (this.#mayGo.delete(id)) this.#tally.revived += 1;
    }
    for (const [id, parts] of this.#torn)
      for (const part of parts)
        check(!full.has(id) || this.#model.things.has(part), `${id} lives without ${part}`, step);
  }

  #tear(gone: readonly Id[]): void {
    for (const id of this.#model.things.keys()) {
      if (gone.includes(id) || this.#flat.has(id)) continue;
      const kept = new Set(this.#model.keptBy(id, this.#clock.now));
      const parts = gone.filter((part) => kept.has(part));
      if (parts.length > 0) this.#torn.set(id, new Set([...(this.#torn.get(id) ?? []), ...parts]));
    }
  }

  /** Nothing happens any more: what is left is what can be reached, in the records and in the backends. */
  async #settle(): Promise<void> {
    for (let i = 0; i < 2; i += 1) this.#tally.removed += (await this.#at.metadata.collect()).removed;
    const { full, flat } = this.#model.reached(this.#clock.now);
    const live = [...this.#model.things.keys()].filter((id) => full.has(id) || flat.has(id));
    same(await this.#there(), live.filter(isSwept), 'records');
    for (const id of this.#model.things.keys()) if (!live.includes(id)) this.#model.things.delete(id);
    const { content, snapshotter } = this.#at;
    const named = (kind: string) => live.map((id) => id.split(' ')).filter(([, of]) => of === kind);
    const digests = named('content').map(([namespace = '', , name = '']) =>
      String(this.#doer.blob(this.#doer.namespaces.indexOf(namespace), Number(name.slice(1))).digest),
    );
    same(content.blobs.keys(), new Set(digests), 'blobs');
    same(
      [...snapshotter.snapshots.keys()].map((key) => key.replace(/\/\d+\//, ' ')),
      named('snapshot').map(([namespace, , name]) => `${namespace} ${name}`),
      'snapshots',
    );
    same(
      [...content.ingests.keys()].map((key) => key.replace(/\/\d+\//, ' ')),
      named('ingest').map(([namespace, , name]) => `${namespace} ${name}`),
      'ingests',
    );
  }

  async #cleanUp(): Promise<void> {
    const { metadata } = this.#at;
    const removing: Promise<unknown>[] = [];
    for (const id of this.#model.things.keys()) {
      const [namespace = '', kind, name = ''] = id.split(' ');
      const view = metadata.scope({ namespace });
      if (kind === 'lease') removing.push(view.leases.delete(name));
      else if (kind === 'image') removing.push(view.images.delete(name));
      else if (kind === 'container') removing.push(view.containers.delete(name));
      else if (kind === 'sandbox') removing.push(view.sandboxes.delete(name));
      else if (kind === 'ingest') removing.push(view.content?.abort(name) ?? Promise.resolve());
      else if (kind === 'snapshot') removing.push(view.snapshotter('memory').update(name, {}));
      else {
        const { digest } = this.#doer.blob(this.#doer.namespaces.indexOf(namespace), Number(name.slice(1)));
        removing.push(view.content?.update(digest, {}) ?? Promise.resolve());
      }
    }
    await Promise.all(removing);
    await metadata.collect();
    same(this.#at.content.blobs.keys(), [], 'blobs at the end');
    same(this.#at.snapshotter.snapshots.keys(), [], 'snapshots at the end');
    for (const namespace of this.#doer.namespaces)
      await metadata.namespaces.delete(namespace).catch((e: { kind?: string }) => {
        if (e.kind !== 'not_found') throw e;
      });
  }

  /** What is not there any more of what may go. Of anything else, it shows in the end. */
  async #gone(): Promise<Id[]> {
    const gone: Id[] = [];
    const look = async (id: Id): Promise<void> => {
      try {
        await this.#read(id);
      } catch (e) {
        if (!Fault.is(e, 'not_found')) throw e;
        gone.push(id);
      }
    };
    await Promise.all(this.#dying().map(look));
    return gone;
  }

  async #read(id: Id): Promise<unknown> {
    const [namespace = '', kind, name = ''] = id.split(' ');
    const { content, images, leases, snapshotter } = this.#at.scope(namespace);
    switch (kind) {
      case 'content': {
        const n = this.#doer.namespaces.indexOf(namespace);
        return content?.info(this.#doer.blob(n, Number(name.slice(1))).digest);
      }
      case 'ingest':
        return content?.status(name);
      case 'image':
        return images.get(name);
      case 'lease':
        return leases.resources(name)[Symbol.asyncIterator]().next();
      case 'snapshot':
        return snapshotter('memory').stat(name);
      default:
        return undefined;
    }
  }

  /** What is there of all that garbage collection may remove. */
  async #there(): Promise<ReadonlySet<Id>> {
    const there = new Set<Id>();
    const all = async <T>(
      n: number,
      kind: Parameters<Doer['id']>[1],
      items: AsyncIterable<T>,
      nameOf: (item: T) => string,
    ) => {
      for await (const item of items) there.add(this.#doer.id(n, kind, nameOf(item)));
    };
    await Promise.all(
      this.#doer.namespaces.flatMap((namespace, n) => {
        const { content, images, leases, snapshotter } = this.#at.scope(namespace);
        const names = new Map([0, 1, 2, 3].map((of) => [this.#doer.blob(n, of).digest, `b${of}`]));
        if (content === undefined) throw new Error('there is a content store');
        return [
          all(n, 'content', content.list(), ({ digest }) => names.get(digest) ?? digest),
          all(n, 'ingest', content.statuses(), ({ ref }) => ref),
          all(n, 'image', images.list(), ({ name }) => name),
          all(n, 'lease', leases.list(), ({ id }) => id),
          all(n, 'snapshot', snapshotter('memory').list(), ({ name }) => name),
        ];
      }),
    );
    return there;
  }
}

function isSwept(id: Id): boolean {
  return !/ (?:container|sandbox) /.test(id);
}

function check(holds: boolean, what: string, step: Step | undefined): void {
  if (!holds) throw new Error(`${what}; last step: ${JSON.stringify(step)}`);
}

function same(found: Iterable<string>, expected: Iterable<string>, what: string): void {
  const [a, b] = [[...found].sort(), [...expected].sort()];
  if (JSON.stringify(a) !== JSON.stringify(b))
    throw new Error(`${what}: found ${JSON.stringify(a)}, expected ${JSON.stringify(b)}`);
}
