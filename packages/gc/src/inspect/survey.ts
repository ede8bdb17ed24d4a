import type { CallOptions } from '@stowage/core';
import { type ConditionalRef, labelConditions, labelUsedAt } from '../conditions.ts';
import type { Graph, Node } from '../graph.ts';
import type { Why } from '../inspector.ts';
import { isFlat, isRoot, labelBackRefs, labelRefs } from '../labels.ts';
import type { ObjectId, ObjectKind, ObjectName } from '../object.ts';
import type { Fact, LeftoverFact, ObjectFact } from './fact.ts';
import { turns } from './turns.ts';

/** An object of a {@link Survey}. */
export interface Known extends Node {
  readonly key: string;
  readonly id: ObjectId;
  /** Why it keeps each of its refs, in their order. */
  readonly whys: Why[];
  /** Why it is a root, if it is. */
  readonly root: Why | undefined;
  /** When it stops being a root by itself. */
  readonly until: Date | undefined;
  readonly sizeBytes: bigint | undefined;
  readonly isActive: boolean;
  readonly image: string;
  readonly handle: string;
  /** Others name it, and live while it would, but it isn't there. */
  readonly isAbsent: boolean;
}

/** All objects and why they keep each other, as of one moment. */
export interface Survey extends Graph {
  readonly nodes: ReadonlyMap<string, Known>;
  readonly leftovers: readonly LeftoverFact[];
}

/** The id of an object in a survey. */
export function surveyKey({ namespace, kind, snapshotter, name }: ObjectId): string {
  // Of these only a namespace and a kind are sure not to hold the separator.
  return `${namespace}\0${kind}\0${snapshotter === '' ? '' : JSON.stringify(snapshotter)}\0${name}`;
}

/** Puts facts together by the rules of collection. */
export async function survey(
  facts: AsyncIterable<Fact>,
  at: Date,
  { signal }: CallOptions = {},
): Promise<Survey> {
  const nodes = new Map<string, Known>();
  const roots: string[] = [];
  const leftovers: LeftoverFact[] = [];
  const edges: Array<readonly [from: string, to: string, why: Why]> = [];
  const conditions: Array<readonly [from: string, to: string, label: string, ref: ConditionalRef]> = [];
  const used = new Map<string, readonly Date[]>();
  const turn = turns(signal);
  for await (const fact of facts) {
    await turn();
    if (fact.fact === 'leftover') leftovers.push(fact);
    else if (fact.fact === 'resource') {
      const { lease, resource } = fact;
      edges.push([surveyKey(lease), keyIn(lease.namespace, resource), { by: 'resource' }]);
    } else {
      const known = knownOf(fact, at);
      nodes.set(known.key, known);
      if (known.root !== undefined) roots.push(known.key);
      for (const [label, holder] of byLabel(fact, labelBackRefs))
        edges.push([holder, known.key, { by: 'back-label', label }]);
      if (fact.id.kind === 'snapshots') {
        const times = labelUsedAt(fact.labels);
        if (times.length > 0) used.set(known.key, times);
      } else if (fact.id.kind === 'content' || fact.id.kind === 'images')
        for (const [label, value] of Object.entries(fact.labels))
          for (const ref of labelConditions({ [label]: value }))
            conditions.push([known.key, keyIn(fact.id.namespace, ref.object), label, ref]);
    }
  }
  for (const [from, to, label, { holds }] of conditions) {
    await turn();
    if (used.get(to)?.some((usedAt) => holds(usedAt, at))) edges.push([from, to, { by: 'condition', label }]);
  }
  for (const [from, to, why] of edges) {
    await turn();
    const holder = nodes.get(from) ?? (why.by === 'back-label' ? absent(from) : undefined);
    if (holder === undefined) continue;
    nodes.set(from, holder);
    holder.refs.push(to);
    holder.whys.push(why);
  }
  return { nodes, roots, leftovers };
}

function knownOf(fact: ObjectFact, at: Date): Known {
  const { id, labels, names, expiry, sizeBytes, isActive = false } = fact;
  const refs: string[] = [];
  const whys: Why[] = [];
  if (names !== undefined) {
    const { by, object, mediaType = '' } = names;
    refs.push(keyIn(id.namespace, object));
    whys.push(by === 'target' ? { by, mediaType } : { by });
  }
  for (const [label, ref] of byLabel(fact, labelRefs)) {
    refs.push(ref);
    whys.push({ by: 'label', label });
  }
  const root = rootOf(fact, at);
  return {
    key: surveyKey(id),
    id,
    refs,
    whys,
    parent: names?.by === 'parent' || names?.by === 'target' ? refs[0] : undefined,
    isFlat: id.kind === 'leases' && isFlat(labels),
    root,
    until: root?.by === fact.heldBy ? undefined : expiry,
    sizeBytes,
    isActive,
    image: fact.image ?? '',
    handle: fact.handle ?? '',
    isAbsent: false,
  };
}

function absent(key: string): Known {
  const [namespace = '', kind = '', snapshotter = '', ...name] = key.split('\0');
  const id = {
    namespace,
    kind: kind as ObjectKind,
    snapshotter: snapshotter === '' ? '' : JSON.parse(snapshotter),
    name: name.join('\0'),
  };
  const nothing = {
    parent: undefined,
    isFlat: false,
    root: undefined,
    until: undefined,
    sizeBytes: undefined,
  };
  const parts = { isActive: false, image: '', handle: '' };
  return { key, id, refs: [], whys: [], ...nothing, ...parts, isAbsent: true };
}

function rootOf({ id: { kind }, labels, expiry, heldBy }: ObjectFact, at: Date): Why | undefined {
  if (heldBy === 'writer') return { by: heldBy };
  if (!isRoot(kind, labels, expiry, at)) return heldBy && { by: heldBy };
  if (kind === 'ingests') return { by: 'age' };
  return { by: kind === 'content' || kind === 'snapshots' ? 'root-label' : 'itself' };
}

/** Asked label by label, so that each reference is known to come from its own. */
function* byLabel(
  { id, labels }: ObjectFact,
  refsOf: (labels: ObjectFact['labels']) => readonly ObjectName[],
): Generator<readonly [label: string, key: string]> {
  for (const [label, value] of Object.entries(labels))
    for (const name of refsOf({ [label]: value })) yield [label, keyIn(id.namespace, name)];
}

function keyIn(namespace: string, { kind, name, snapshotter }: ObjectName): string {
  return surveyKey({ namespace, kind, name, snapshotter });
}
