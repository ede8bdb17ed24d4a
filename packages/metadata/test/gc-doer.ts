import type { ContentStore } from '@stowage/content';
import { type Descriptor, Fault, LABEL, type Labels } from '@stowage/core';
import type { MetadataView } from '@stowage/metadata';
import type { Id, Model, Thing } from './gc-model.ts';
import type { Step } from './gc-program.ts';
import { blobOf, newContainer } from './setting.ts';

const HOUR_MS = 3_600_000;
const SLEEPS_HOURS = [0.5, 2, 13, 30];
const KINDS = ['content', 'image', 'snapshot', 'container', 'lease', 'ingest', 'sandbox'] as const;
export type Kind = (typeof KINDS)[number];

/** What a call that succeeded, or found the thing there already, did to the model. */
export interface Effect {
  /** These were there. */
  readonly needs?: readonly Id[];
  /** These were not there before, or were taken for gone. */
  readonly makes?: ReadonlyArray<readonly [Id, Thing]>;
  /** These were there, and are like this now. */
  readonly sets?: ReadonlyArray<readonly [Id, Thing]>;
  readonly drops?: readonly Id[];
  /** Somebody was told that these are there. */
  readonly tells?: readonly Id[];
  readonly holds?: readonly Id[];
  readonly letsGo?: readonly Id[];
  readonly sleepsMs?: number;
}

/** Does what a step says. @returns what the model is to do, or undefined if the call failed as it may. */
export class Doer {
  readonly #seed: string;
  readonly #view: (namespace: string, lease: string | undefined) => MetadataView;
  readonly #now: () => number;

  constructor(
    seed: string,
    view: (namespace: string, lease: string | undefined) => MetadataView,
    now: () => number,
  ) {
    this.#seed = seed;
    this.#view = view;
    this.#now = now;
  }

  get namespaces(): readonly string[] {
    return [`n${this.#seed}a`, `n${this.#seed}b`];
  }

  id(namespace: number, kind: Kind, name: string): Id {
    return `${this.namespaces[namespace]} ${kind} ${name}`;
  }

  blob(namespace: number, of: number): Descriptor {
    return blobOf(this.#text(namespace, of));
  }

  leaseOf({ namespace, lease }: Step): Id | undefined {
    return lease === 3 ? undefined : this.id(namespace, 'lease', `l${lease}`);
  }

  /** @param dying - What a collection may remove. */
  async do(step: Step, model: Model, dying: readonly Id[]): Promise<Effect | undefined> {
    try {
      if (step.act !== 'revive') return await this.#do(step, model);
      const id = dying[(4 * step.a + step.b) % Math.max(dying.length, 1)];
      return id === undefined ? {} : await this.#revive(step, id, model);
    } catch (e) {
      if (Fault.is(e, 'not_found') || Fault.is(e, 'already_exists')) return undefined;
      if (Fault.is(e, 'failed_precondition') || Fault.is(e, 'invalid_argument')) return undefined;
      throw e;
    }
  }

  /** Has something live name what is about to go, or asks under a lease whether it is there. */
  async #revive({ a, b }: Step, id: Id, model: Model): Promise<Effect> {
    const [namespace = '', kind = '', name = ''] = id.split(' ');
    const n = this.namespaces.indexOf(namespace);
    const { digest } = this.blob(n, Number(name.slice(1)) || 0);
    const view = this.#view(namespace, 'l0');
    const at = kind === 'snapshot' ? 'snapshot.memory' : kind;
    const value = kind === 'content' ? digest : name;
    const refs = new Set([id]);
    if (kind === 'lease') return {};
    if (b < 2 || kind === 'ingest') {
      const lease = this.id(n, 'lease', 'l0');
      const type = { content: 'content', image: 'images', ingest: 'ingests' }[kind] ?? 'snapshots/memory';
      await view.leases.addResource('l0', { type, id: value });
      const before = model.things.get(lease);
      if (before === undefined) return { needs: [lease] };
      return { sets: [[lease, { ...before, refs: new Set([...before.refs, id]) }]] };
    }
    if (b === 2 && kind !== 'image') {
      if (kind === 'content') await view.content?.info(digest);
      else await view.snapshotter('memory').stat(name);
      return { needs: [id], tells: [id] };
    }
    const labels = { [`containerd.io/gc.ref.${at}`]: value };
    const parts = { runtime: { name: '' }, spec: undefined, extensions: {}, sandboxer: 'shim' };
    await view.sandboxes.create({ id: `s${a}`, labels, ...parts });
    return { makes: [[this.id(n, 'sandbox', `s${a}`), { ...empty(), refs, isRoot: true }]] };
  }

  async #do(step: Step, model: Model): Promise<Effect> {
    const { act, namespace: n, a, b } = step;
    const view = this.#view(this.namespaces[n] ?? '', step.lease === 3 ? undefined : `l${step.lease}`);
    const plain = this.#view(this.namespaces[n] ?? '', undefined);
    const at = (kind: Kind, name: string) => this.id(n, kind, name);
    const s = view.snapshotter('memory');
    const { labels, thing } = this.#labelled(step);
    const leased = step.lease === 3 ? [] : [at('lease', `l${step.lease}`)];
    const digest = this.blob(n, a).digest;
    switch (act) {
      case 'lease': {
        const isFlat = b === 1;
        const until = b === 2 ? this.#now() + HOUR_MS : undefined;
        const lease: Labels = {
          ...(isFlat && { [LABEL.gcFlat]: 'yes' }),
          ...(until !== undefined && { [LABEL.gcExpire]: new Date(until).toISOString() }),
        };
        const key = at('lease', `l${a % 3}`);
        const made = { ...empty(), isRoot: true, until, isFlat };
        return (await found(plain.leases.create({ id: `l${a % 3}`, labels: lease })))
          ? { needs: [key], tells: [key] }
          : { makes: [[key, made]] };
      }
      case 'unlease':
        await plain.leases.delete(`l${a % 3}`);
        return { drops: [at('lease', `l${a % 3}`)] };
      case 'hold':
      case 'letgo': {
        const [type, id, name] = this.#resource(n, a, b);
        const lease = `l${step.lease % 3}`;
        const key = at('lease', lease);
        const refs = new Set(model.things.get(key)?.refs);
        if (act === 'hold') {
          await plain.leases.addResource(lease, { type, id });
          refs.add(name);
        } else {
          await plain.leases.deleteResource(lease, { type, id });
          refs.delete(name);
        }
        const before = model.things.get(key);
        return before === undefined ? { needs: [key] } : { sets: [[key, { ...before, refs }]] };
      }
      case 'put': {
        const key = at('content', `b${a}`);
        const isThere = await found(put(view.content, this.#text(n, a), labels));
        const holds = leased.length > 0 ? [key] : [];
        return isThere
          ? { needs: [key, ...leased], tells: [key], holds }
          : { makes: [[key, thing]], needs: leased, holds };
      }
      case 'label':
        await view.content?.update(digest, labels);
        return { sets: [[at('content', `b${a}`), thing]] };
      case 'unput':
        await plain.content?.delete(digest);
        return { drops: [at('content', `b${a}`)] };
      case 'look':
        await view.content?.info(digest);
        return { needs: [at('content', `b${a}`)], tells: step.lease === 3 ? [] : [at('content', `b${a}`)] };
      case 'image':
      case 'reimage': {
        const name = `i${a}`;
        const key = at('image', name);
        const target = this.blob(n, b);
        const needs = at('content', `b${b}`);
        const made: Thing = { ...thing, needs, refs: new Set([...thing.refs, needs]), isRoot: true };
        const holds = leased.length > 0 && Object.hasOwn(labels, LABEL.gcExpire) ? [key] : [];
        if (act === 'image') {
          if (await found(view.images.create({ name, target, labels })))
            return { needs: [key], tells: [key] };
          return { makes: [[key, made]], holds, needs: holds.length > 0 ? leased : [] };
        }
        await view.images.update({ name, target, labels });
        return { sets: [[key, made]], holds, needs: holds.length > 0 ? leased : [] };
      }
      case 'unimage':
        await plain.images.delete(`i${a}`);
        return { drops: [at('image', `i${a}`)] };
      case 'prepare': {
        const key = at('snapshot', `a${a}`);
        const parent = b === 3 ? '' : `c${b}`;
        const holds = leased.length > 0 ? [key] : [];
        if (await found(s.prepare(`a${a}`, parent, { labels })))
          return { needs: [key, ...leased], tells: [key], holds };
        const needs = parent === '' ? undefined : at('snapshot', parent);
        const made: Thing = {
          ...thing,
          needs,
          refs: new Set([...thing.refs, ...(needs === undefined ? [] : [needs])]),
        };
        return { makes: [[key, made]], holds, needs: [...leased, ...(needs === undefined ? [] : [needs])] };
      }
      case 'commit': {
        const key = at('snapshot', `c${b}`);
        const active = at('snapshot', `a${a}`);
        const holds = leased.length > 0 ? [key] : [];
        const { needs } = model.things.get(active) ?? {};
        if (await found(s.commit(`c${b}`, `a${a}`, { labels })))
          return { needs: [key, ...leased], tells: [key], holds };
        const made: Thing = {
          ...thing,
          needs,
          refs: new Set([...thing.refs, ...(needs === undefined ? [] : [needs])]),
        };
        return {
          makes: [[key, made]],
          drops: [active],
          needs: leased,
          holds,
          letsGo: leased.length > 0 ? [active] : [],
        };
      }
      case 'remove':
        await plain.snapshotter('memory').remove(`${b % 2 === 0 ? 'a' : 'c'}${a}`);
        return { drops: [at('snapshot', `${b % 2 === 0 ? 'a' : 'c'}${a}`)] };
      case 'relabel': {
        const name = `${b % 2 === 0 ? 'a' : 'c'}${a}`;
        const key = at('snapshot', name);
        const { needs } = model.things.get(key) ?? {};
        await s.update(name, labels);
        return {
          sets: [
            [
              key,
              { ...thing, needs, refs: new Set([...thing.refs, ...(needs === undefined ? [] : [needs])]) },
            ],
          ],
        };
      }
      case 'stat':
        await s.stat(`c${a}`);
        return { needs: [at('snapshot', `c${a}`)], tells: step.lease === 3 ? [] : [at('snapshot', `c${a}`)] };
      case 'container': {
        const snapshotKey = `${b % 2 === 0 ? 'a' : 'c'}${a}`;
        await view.containers.create(newContainer(`x${a}`, { snapshotter: 'memory', snapshotKey, labels }));
        const refs = new Set([...thing.refs, at('snapshot', snapshotKey)]);
        return { makes: [[at('container', `x${a}`), { ...thing, refs, isRoot: true, until: undefined }]] };
      }
      case 'uncontainer':
        await view.containers.delete(`x${a}`);
        return { drops: [at('container', `x${a}`)] };
      case 'sandbox': {
        const parts = { runtime: { name: '' }, spec: undefined, extensions: {}, sandboxer: 'shim' };
        await view.sandboxes.create({ id: `s${a}`, labels, ...parts });
        return { makes: [[at('sandbox', `s${a}`), { ...thing, isRoot: true, until: undefined }]] };
      }
      case 'unsandbox':
        await view.sandboxes.delete(`s${a}`);
        return { drops: [at('sandbox', `s${a}`)] };
      case 'ingest': {
        const ref = `r${a}`;
        const key = at('ingest', ref);
        await (await view.content?.writer({ ref }))?.[Symbol.asyncDispose]();
        const until = step.lease === 3 ? this.#now() + 24 * HOUR_MS : undefined;
        const made: Thing = { ...empty(), isRoot: step.lease === 3, until };
        return { needs: leased, holds: leased.length > 0 ? [key] : [], sets: [[key, made]] };
      }
      case 'abort':
        await plain.content?.abort(`r${a}`);
        return { drops: [at('ingest', `r${a}`)] };
      case 'revive':
        return {};
      case 'sleep':
        return { sleepsMs: (SLEEPS_HOURS[a] ?? 0) * HOUR_MS };
    }
  }

  /** The last blob is the same in both namespaces. */
  #text(namespace: number, of: number): string {
    return of === 3 ? `${this.#seed} shared` : `${this.#seed} ${namespace} ${of}`;
  }

  #resource(n: number, a: number, b: number): readonly [type: string, id: string, name: Id] {
    switch (b) {
      case 0:
        return ['content', this.blob(n, a).digest, this.id(n, 'content', `b${a}`)];
      case 1:
        return ['images', `i${a}`, this.id(n, 'image', `i${a}`)];
      case 2:
        return ['ingests', `r${a}`, this.id(n, 'ingest', `r${a}`)];
      default:
        return ['snapshots/memory', `c${a}`, this.id(n, 'snapshot', `c${a}`)];
    }
  }

  #labelled({ act, namespace: n, labels: specs }: Step): { labels: Labels; thing: Thing } {
    const labels: Record<string, string> = {};
    const refs = new Set<Id>();
    const backTo: Id[] = [];
    const ifUsed: Array<{ id: Id; withinMs: number }> = [];
    let isRoot = false;
    let usedAt: number | undefined;
    let until: number | undefined;
    const takesConditions = act === 'put' || act === 'label' || act === 'image' || act === 'reimage';
    const isSnapshot = act === 'prepare' || act === 'commit' || act === 'relabel';
    for (const [i, { as, kind, of }] of specs.entries()) {
      const name = { content: `b${of}`, image: `i${of}`, snapshot: `c${of}`, container: `x${of}` }[kind];
      const value = kind === 'content' ? this.blob(n, of).digest : name;
      const at = kind === 'snapshot' ? `snapshot.memory/${i}` : `${kind}.${i}`;
      const id = this.id(n, kind, name);
      if (as === 'ref' && kind !== 'container') {
        labels[`containerd.io/gc.ref.${at}`] = value;
        refs.add(id);
      } else if (as === 'bref') {
        labels[`containerd.io/gc.bref.${at}`] = value;
        backTo.push(id);
      } else if (as === 'cond') {
        labels[`containerd.io/gc.cond.snapshot.memory/${i}`] = `usedat<3h|c${of}`;
        if (takesConditions) ifUsed.push({ id: this.id(n, 'snapshot', `c${of}`), withinMs: 3 * HOUR_MS });
      } else if (as === 'root' && of === 0) {
        labels[LABEL.gcRoot] = 'x';
        isRoot = takesConditions || isSnapshot;
      } else if (as === 'used') {
        usedAt = this.#now();
        labels['containerd.io/gc.cond.value-usedat'] = new Date(usedAt).toISOString();
      } else if (as === 'expire' && (act === 'image' || act === 'reimage')) {
        until = this.#now() + HOUR_MS;
        labels[LABEL.gcExpire] = new Date(until).toISOString();
      }
    }
    return {
      labels,
      thing: { refs, backTo, ifUsed, isRoot, until, usedAt: isSnapshot ? usedAt : undefined },
    };
  }
}

export function empty(): Thing {
  return { refs: new Set(), backTo: [], ifUsed: [], isRoot: false };
}

/** Unlike `writeBlob`, it fails where the blob is there. */
async function put(content: ContentStore | undefined, text: string, labels: Labels): Promise<void> {
  const { digest, size } = blobOf(text);
  await using writer = await content?.writer({ ref: `put-${digest}`, expected: digest, total: size });
  if (writer === undefined) throw new Error('there is a content store');
  // It stands at the end of a blob that the other namespace has.
  const { offset } = await writer.status();
  if (offset === 0n) await writer.write(Buffer.from(text));
  await writer.commit({ labels });
}

/** @returns whether it failed because the thing was there. */
async function found(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return false;
  } catch (e) {
    if (Fault.is(e, 'already_exists')) return true;
    throw e;
  }
}
