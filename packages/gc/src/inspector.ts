import type { CallOptions, Scoped, Slot } from '@stowage/core';
import type { ObjectId, ObjectKind } from './object.ts';

/**
 * Why things are on the disk, and what goes when something is removed.
 *
 * An *object* is what garbage collection knows: an image, a container, a sandbox, a lease, a blob (`content`), an
 * ingest, a snapshot. Objects *keep* others of their namespace: by a field, by a label, or as a lease by a list. A
 * *root* is kept by nothing but itself: a container, a sandbox; a lease or image that has not expired; a blob or
 * snapshot with the label `containerd.io/gc.root`; an ingest that somebody writes to, or opened within a day. Whatever
 * no path from a root leads to is *garbage*, and goes at the next run.
 *
 * Bytes belong to blobs, snapshots and ingests. A blob that several namespaces have is on the disk once; it goes when
 * the last of them lets go, and is counted once.
 *
 * An inspector sees one namespace, or with the scope's namespace empty the whole daemon; what it reckons is true of
 * the daemon either way. All answers are of one moment, and cost about what finding the garbage costs. Nothing is
 * changed, except by {@link run}.
 */
export interface GarbageInspector {
  /** What this inspector can not know; its answers are right but for that. */
  limits(options?: CallOptions): Promise<readonly Limit[]>;

  /**
   * Objects that go by a name. If none has just this name, then blobs and snapshots whose digest begins with it, the
   * algorithm given or not; by four digits at least.
   *
   * @returns at most {@link MAX_FOUND}.
   */
  find(query: Query, options?: CallOptions): Promise<readonly ObjectId[]>;

  /**
   * What keeps an object.
   *
   * @throws Fault `invalid_argument` without a namespace, or for one that this inspector does not see.
   */
  explain(object: ObjectId, options?: CallOptions): Promise<Explanation>;

  /** What a run that began now would remove. Nothing is removed. */
  plan(options?: MeasureOptions): AsyncIterable<Removal>;

  /**
   * What a run would free after these objects, and nothing else, were removed: what is kept through them alone.
   *
   * @throws Fault `not_found` for one that is not here; `failed_precondition` for a snapshot with children that are
   *   not to be removed too.
   */
  freedBy(objects: readonly ObjectId[], options?: MeasureOptions): Promise<Freed>;

  /** Who takes how much of the disk. First the sums, then, if `detail` is asked for, each object. */
  usage(options?: UsageOptions): AsyncIterable<Usage>;

  /**
   * Where records and backends differ: bytes that no record names, and records without bytes.
   *
   * @throws Fault `unimplemented` if backends can't be seen.
   */
  orphans(options?: CallOptions): AsyncIterable<Orphan>;

  /**
   * Runs a garbage collection of the whole daemon that begins after this call, backends included.
   *
   * @throws Fault `unimplemented` if there is no way to ask for one.
   */
  run(options?: CallOptions): Promise<Run>;
}

/** Most objects that {@link GarbageInspector.find} answers. */
export const MAX_FOUND = 20;

/** Most roots that an explanation lists. */
export const MAX_ROOTS = 20;

export type Limit =
  /** Whether somebody writes to an ingest at this moment, and whether a lease held it before. */
  | 'ingests'
  /** Changes that are under way and have no record yet. */
  | 'unfinished'
  /** The moment: objects were listed one after the other, so what was made meanwhile may be missing. */
  | 'moment'
  /** What backends have that no record names. */
  | 'backends'
  /** Runs can't be asked for. */
  | 'run';

export interface Query {
  readonly text: string;
  /** Only of this kind. */
  readonly kind?: ObjectKind | undefined;
}

/** Why something is kept. */
export type Why =
  /** A root by what it is: a container, a sandbox, a lease, an image. */
  | { readonly by: 'itself' }
  /** A root by its label `containerd.io/gc.root`. */
  | { readonly by: 'root-label' }
  /** A root: an ingest that somebody writes to. */
  | { readonly by: 'writer' }
  /** A root: an ingest that somebody opened not long ago, and no lease held. */
  | { readonly by: 'age' }
  /** A root for a moment: a change that is under way has to do with it. */
  | { readonly by: 'change' }
  /** A root for now: a snapshot whose snapshotter is not here, so that it can't be removed. */
  | { readonly by: 'stuck' }
  /** An image's target. */
  | { readonly by: 'target'; readonly mediaType: string }
  /** A container's snapshot. */
  | { readonly by: 'snapshot' }
  /** A snapshot's parent. */
  | { readonly by: 'parent' }
  /** The blob that an ingest was opened to write, which is here already. */
  | { readonly by: 'expected' }
  /** A lease's resource. */
  | { readonly by: 'resource' }
  /** A label of the holder: `containerd.io/gc.ref.…`. */
  | { readonly by: 'label'; readonly label: string }
  /** A label of the holder whose condition holds now, and may not later: `containerd.io/gc.cond.…`. */
  | { readonly by: 'condition'; readonly label: string }
  /** A label of what is kept, which lives while the holder does: `containerd.io/gc.bref.…`. */
  | { readonly by: 'back-label'; readonly label: string };

/** One step of a path: an object, and why the one before it keeps it; of the first, why it is a root. */
export interface Hop {
  readonly object: ObjectId;
  readonly why: Why;
}

/** Of several roots the one that lasts longest comes first, and of those the nearest. */
export interface Root extends Hop {
  /** When it stops being one by itself; undefined for never, as far as anybody knows. */
  readonly until: Date | undefined;
}

export type Explanation =
  | {
      readonly verdict: 'kept';
      readonly object: ObjectId;
      /** From the first of `roots` to the object; just one hop for a root. As short as there is from there. */
      readonly path: readonly Hop[];
      /** Those that keep it, at most {@link MAX_ROOTS}. */
      readonly roots: readonly Root[];
      /** How many keep it in all. */
      readonly rootCount: number;
      /** When the last of them expires; undefined if one never does. */
      readonly until: Date | undefined;
    }
  /** Nothing keeps it: it goes at the next run. */
  | { readonly verdict: 'garbage'; readonly object: ObjectId }
  /** There is no such object. */
  | { readonly verdict: 'absent'; readonly object: ObjectId };

export interface MeasureOptions extends CallOptions {
  /**
   * Also measure snapshots that can be written to, whose files have to be counted now. Without it they are of unknown
   * size.
   */
  readonly active?: boolean | undefined;
}

/** Something that a run would remove. */
export interface Removal {
  /** Of one that only a backend still has: the backend's name for it, and no namespace. */
  readonly object: ObjectId;
  /** What goes: the record, and with it the bytes unless others have them; or bytes that a backend kept till now. */
  readonly stage: 'record' | 'backend';
  /** Bytes that this frees; 0 where others keep them or there are none; undefined if not measured. */
  readonly freesBytes: bigint | undefined;
}

export interface Freed {
  /** Objects that would go, those asked about included if they are records that go with it. */
  readonly objects: number;
  readonly contentBytes: bigint;
  readonly snapshotBytes: bigint;
  readonly ingestBytes: bigint;
  /** How many of them were not measured, and are not in the sums. */
  readonly unmeasured: number;
}

export interface UsageOptions extends MeasureOptions {
  /** One line for each image, container, sandbox, lease and snapshot too. */
  readonly detail?: boolean | undefined;
}

/** Whose usage it is. */
export type UsageOf =
  | { readonly type: 'total' }
  | { readonly type: 'namespace'; readonly namespace: string }
  | { readonly type: 'kind'; readonly kind: ObjectKind }
  | { readonly type: 'object'; readonly object: ObjectId };

/**
 * What somebody takes of the disk.
 *
 * *Holders* (images, containers, sandboxes, leases; one, or all of a kind): `size` is everything they keep; `unique`
 * what goes when they are removed; `shared` the rest. *Stores* (snapshots, content, ingests, the total): `size` is
 * their own bytes, `unique` those that just one root keeps, `shared` those that several keep. *Namespaces*: `unique` is
 * what no other namespace has.
 *
 * `reclaimable` is what can be had at once: what nothing keeps any more, and of images what goes with those that no
 * container was made from.
 */
export interface Usage {
  readonly of: UsageOf;
  /** Objects counted: 1 for an object. */
  readonly count: number;
  readonly sizeBytes: bigint;
  readonly uniqueBytes: bigint;
  readonly sharedBytes: bigint;
  readonly reclaimableBytes: bigint;
  /** How many snapshots and ingests in it were not measured. */
  readonly unmeasured: number;
}

export type Orphan =
  /** A backend has it, and no record names it; `object` has no namespace, and the backend's name. */
  | { readonly problem: 'unrecorded'; readonly object: ObjectId; readonly sizeBytes: bigint | undefined }
  /** A record names it, and the backend has it not. */
  | { readonly problem: 'missing'; readonly object: ObjectId };

/** What a run did. */
export interface Run {
  /** Records removed. */
  readonly removed: number;
  /** Blobs, snapshots and ingests that backends deleted. */
  readonly pruned: number;
  /** As planned right before; what was not measured is not in it. */
  readonly freedBytes: bigint;
  readonly durationMs: number;
}

/** Inspectors by scope, of which only the namespace counts; empty, it is the whole daemon. */
export const garbageServiceSlot: Slot<Scoped<GarbageInspector>> = {
  type: 'io.containerd.service.v1',
  id: 'garbage-service',
  api: 1,
};
