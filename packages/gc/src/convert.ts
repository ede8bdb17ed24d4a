import { create } from '@bufbuild/protobuf';
import * as wire from '@stowage/api/gc/v1';
import { Fault, quote } from '@stowage/core';
import { dateOf, timestampOf } from '@stowage/rpc';
import type { Explanation, Hop, Limit, Orphan, Removal, Root, Why } from './inspector.ts';
import { isObjectKind } from './kinds.ts';
import type { ObjectId, ObjectKind } from './object.ts';

const LIMIT: Readonly<Record<Limit, wire.Limit>> = {
  ingests: wire.Limit.INGESTS,
  unfinished: wire.Limit.UNFINISHED,
  moment: wire.Limit.MOMENT,
  backends: wire.Limit.BACKENDS,
  run: wire.Limit.RUN,
};

const WHY: Readonly<Record<Why['by'], wire.Why>> = {
  itself: wire.Why.ITSELF,
  'root-label': wire.Why.ROOT_LABEL,
  writer: wire.Why.WRITER,
  age: wire.Why.AGE,
  change: wire.Why.CHANGE,
  stuck: wire.Why.STUCK,
  target: wire.Why.TARGET,
  snapshot: wire.Why.SNAPSHOT,
  parent: wire.Why.PARENT,
  resource: wire.Why.RESOURCE,
  label: wire.Why.LABEL,
  condition: wire.Why.CONDITION,
  'back-label': wire.Why.BACK_LABEL,
  expected: wire.Why.EXPECTED,
};

/** @throws Fault `invalid_argument` for a word that is none. */
export function kindFromWire(kind: string): ObjectKind {
  if (isObjectKind(kind)) return kind;
  throw new Fault('invalid_argument', `object: kind ${quote(kind)} is unknown`);
}

/** @throws Fault `invalid_argument` if it is not set, has no name, or an unknown kind. */
export function objectFromWire(object: wire.Object$ | undefined): ObjectId {
  if (object === undefined) throw new Fault('invalid_argument', 'object is required');
  const { namespace, kind: word, snapshotter, name } = object;
  const kind = kindFromWire(word);
  if (name === '') throw new Fault('invalid_argument', 'object: name must not be empty');
  if ((kind === 'snapshots') !== (snapshotter !== ''))
    throw new Fault(
      'invalid_argument',
      `object ${quote(name)}: a snapshot, and nothing else, has a snapshotter`,
    );
  return { namespace, kind, snapshotter, name };
}

export function objectToWire({ namespace, kind, snapshotter, name }: ObjectId): wire.Object$ {
  return create(wire.ObjectSchema, { namespace, kind, snapshotter, name });
}

export function limitFromWire(limit: wire.Limit): Limit[] {
  return keyOf(LIMIT, limit) ?? [];
}

export function limitToWire(limit: Limit): wire.Limit {
  return LIMIT[limit];
}

export function explanationToWire(told: Explanation): wire.ExplainResponse {
  if (told.verdict !== 'kept') {
    const { ABSENT, GARBAGE } = wire.Verdict;
    return create(wire.ExplainResponseSchema, { verdict: told.verdict === 'absent' ? ABSENT : GARBAGE });
  }
  const { path, roots, rootCount, until } = told;
  return create(wire.ExplainResponseSchema, {
    verdict: wire.Verdict.KEPT,
    path: path.map(({ object, why }) => ({ object: objectToWire(object), reason: reasonToWire(why) })),
    roots: roots.map(({ object, why, until }) => ({
      object: objectToWire(object),
      reason: reasonToWire(why),
      until: timestampOf(until),
    })),
    rootCount,
    until: timestampOf(until),
  });
}

/** @param object - that was asked about. */
export function explanationFromWire(told: wire.ExplainResponse, object: ObjectId): Explanation {
  switch (told.verdict) {
    case wire.Verdict.GARBAGE:
      return { verdict: 'garbage', object };
    case wire.Verdict.ABSENT:
      return { verdict: 'absent', object };
    case wire.Verdict.KEPT: {
      const { path, roots, rootCount, until } = told;
      return {
        verdict: 'kept',
        object,
        path: path.map(hopFromWire),
        roots: roots.map((root): Root => ({ ...hopFromWire(root), until: dateOf(root.until) })),
        rootCount,
        until: dateOf(until),
      };
    }
    default:
      throw new Fault('unimplemented', `explain: verdict ${told.verdict} is unknown; is the daemon newer?`);
  }
}

export function removalToWire({ object, stage, freesBytes }: Removal): wire.Removal {
  const freed = freesBytes === undefined ? {} : { freesBytes };
  return create(wire.RemovalSchema, {
    object: objectToWire(object),
    leftOver: stage === 'backend',
    ...freed,
  });
}

export function removalFromWire({ object, leftOver, freesBytes }: wire.Removal): Removal {
  return { object: objectFromWire(object), stage: leftOver ? 'backend' : 'record', freesBytes };
}

export function orphanToWire(orphan: Orphan): wire.Orphan {
  const object = objectToWire(orphan.object);
  if (orphan.problem === 'missing') return create(wire.OrphanSchema, { object, missing: true });
  const { sizeBytes } = orphan;
  return create(wire.OrphanSchema, { object, ...(sizeBytes !== undefined && { sizeBytes }) });
}

export function orphanFromWire({ object, missing, sizeBytes }: wire.Orphan): Orphan {
  if (missing) return { problem: 'missing', object: objectFromWire(object) };
  return { problem: 'unrecorded', object: objectFromWire(object), sizeBytes };
}

function hopFromWire({ object, reason }: Pick<wire.Hop, 'object' | 'reason'>): Hop {
  return { object: objectFromWire(object), why: reasonFromWire(reason) };
}

function reasonToWire(why: Why): wire.Reason {
  const label = 'label' in why ? why.label : '';
  const mediaType = why.by === 'target' ? why.mediaType : '';
  return create(wire.ReasonSchema, { why: WHY[why.by], label, mediaType });
}

function reasonFromWire(reason: wire.Reason | undefined): Why {
  const { why, label = '', mediaType = '' } = reason ?? {};
  const [by] = keyOf(WHY, why) ?? [];
  if (by === undefined)
    throw new Fault('unimplemented', `explain: reason ${why} is unknown; is the daemon newer?`);
  switch (by) {
    case 'target':
      return { by, mediaType };
    case 'label':
    case 'condition':
    case 'back-label':
      return { by, label };
    default:
      return { by };
  }
}

function keyOf<K extends string, V>(map: Readonly<Record<K, V>>, value: V | undefined): K[] {
  return (Object.keys(map) as K[]).filter((key) => map[key] === value);
}
