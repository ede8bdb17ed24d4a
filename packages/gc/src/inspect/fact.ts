import type { CallOptions, Labels } from '@stowage/core';
import type { Limit, Orphan, Run, Why } from '../inspector.ts';
import type { ObjectId, ObjectKind, ObjectName } from '../object.ts';

/** What a daemon's records tell of one object. */
export interface ObjectFact {
  readonly fact: 'object';
  readonly id: ObjectId;
  readonly labels: Labels;
  /** What a field of it names. */
  readonly names?: OwnReference | undefined;
  /** As `isRoot` takes it. */
  readonly expiry?: Date | undefined;
  /** Why it can't go for now, whatever the rules say. */
  readonly heldBy?: Extract<Why['by'], 'writer' | 'change' | 'stuck'> | undefined;
  /** Of a blob. */
  readonly sizeBytes?: bigint | undefined;
  /** A snapshot that is not committed, and so has to be walked to be measured. */
  readonly isActive?: boolean | undefined;
  /** Name of the image that a container was made from. */
  readonly image?: string | undefined;
  /** What the source knows it by, for {@link FactSource.bytesOf}. */
  readonly handle?: string | undefined;
}

export interface OwnReference {
  readonly by: 'target' | 'snapshot' | 'parent' | 'expected';
  readonly object: ObjectName;
  /** Of a target. */
  readonly mediaType?: string | undefined;
}

/** A lease holds something, which need not exist. */
export interface ResourceFact {
  readonly fact: 'resource';
  readonly lease: ObjectId;
  readonly resource: ObjectName;
}

/** No record has it any more, but its backend still does, until the next run. */
export interface LeftoverFact {
  readonly fact: 'leftover';
  readonly kind: Stored;
  /** Empty unless it is a snapshot. */
  readonly snapshotter: string;
  readonly handle: string;
}

export type Fact = ObjectFact | ResourceFact | LeftoverFact;

/** Kinds that have bytes. */
export type Stored = Extract<ObjectKind, 'content' | 'snapshots' | 'ingests'>;

/** What inspecting needs of a daemon. */
export interface FactSource {
  readonly limits: readonly Limit[];
  now(): Date;
  /** Everything, or only what is in one namespace. In any order. */
  facts(namespace: string | undefined, options: CallOptions): AsyncIterable<Fact>;
  /**
   * Bytes of a snapshot, an ingest, or a leftover blob; undefined if it is gone meanwhile.
   *
   * @param object - with the handle as the fact told it.
   */
  bytesOf(
    object: { readonly id: ObjectId; readonly handle: string },
    options: CallOptions,
  ): Promise<bigint | undefined>;
  /** Of the whole daemon; left out where backends can't be seen. */
  orphans?(options: CallOptions): AsyncIterable<Orphan>;
  /** Collects, and says what became of it; left out where that can't be asked for. */
  collect?(options: CallOptions): Promise<Omit<Run, 'freedBytes'>>;
}
