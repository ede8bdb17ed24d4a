/** A kind of object that garbage collection knows, by the word that leases use for it. */
export type ObjectKind =
  | 'images'
  | 'containers'
  | 'sandboxes'
  | 'leases'
  | 'content'
  | 'ingests'
  | 'snapshots'
  | 'mounts';

/** What a label or a field of an object names: another object of the same namespace. */
export interface ObjectName {
  readonly kind: ObjectKind;
  /** Digest, ref, image name, snapshot key, or id. */
  readonly name: string;
  /** Of a snapshot; empty for all else. */
  readonly snapshotter: string;
}

export function objectName(kind: ObjectKind, name: string, snapshotter = ''): ObjectName {
  return { kind, name, snapshotter };
}

/** An object of a daemon. */
export interface ObjectId extends ObjectName {
  readonly namespace: string;
}
