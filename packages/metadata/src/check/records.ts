import { fromBinary } from '@bufbuild/protobuf';
import { ContainerSchema } from '@stowage/api/containers/v1';
import { InfoSchema as BlobSchema } from '@stowage/api/content/v1';
import { ImageSchema } from '@stowage/api/images/v1';
import { InfoSchema as SnapshotSchema } from '@stowage/api/snapshots/v1';
import { unseal } from '../database/frame.ts';
import { childKey, listPrefix, objectKey, parseChildKey, parseKey, snapshotKey } from '../database/keys.ts';
import { type Garbage, type Intent, jsonOf, type StoredIntent } from '../ledger/intent.ts';

export interface SnapshotRecord {
  readonly snapshotter: string;
  /** The snapshotter's own name for it. */
  readonly backend: string;
  /** Key of the parent's record. */
  readonly parent: string | undefined;
  /** Key of the back edge from the parent. */
  readonly edge: string | undefined;
}

/** Everything of the records that a check compares, gathered as they are read. Some 200 bytes for each. */
export class Records {
  readonly blobs = new Map<string, { readonly digest: string; readonly sizeBytes: bigint }>();
  readonly snapshots = new Map<string, SnapshotRecord>();
  readonly leases = new Set<string>();
  /** Back edges, with the key of the child's record. */
  readonly edges = new Map<string, string>();
  /** What leases hold, with the key of the lease. */
  readonly held = new Map<string, string>();
  /** What an image or container is of, by its key. */
  readonly targets = new Map<string, string>();
  readonly intents = new Map<string, Intent>();
  /** Keys of records that an intent is about: they may say what is not so any more. */
  readonly unfinished = new Set<string>();
  readonly garbage = new Map<string, Garbage>();

  /** Takes note of a value whose checksum is right. */
  add(key: string, value: Uint8Array): void {
    const { payload, backend } = unseal(key, value);
    if (key.startsWith(listPrefix('intent'))) {
      const { intent, locks } = jsonOf<StoredIntent>(payload);
      this.intents.set(key, intent);
      for (const locked of locks.exclusive ?? []) this.unfinished.add(locked);
    } else if (key.startsWith(listPrefix('garbage'))) this.garbage.set(key, jsonOf<Garbage>(payload));
    else this.#addObject(key, payload, backend);
  }

  #addObject(key: string, payload: Uint8Array, backend: string): void {
    const child = parseChildKey(key);
    if (child !== undefined) {
      this.edges.set(key, snapshotKey(child.namespace, child.snapshotter, child.child));
      return;
    }
    const parsed = parseKey(key);
    switch (parsed?.table) {
      case 'content':
        this.blobs.set(key, { digest: parsed.name, sizeBytes: fromBinary(BlobSchema, payload).size });
        break;
      case 'snapshots':
        this.snapshots.set(key, snapshotOf(key, payload, backend));
        break;
      case 'leases':
        this.leases.add(key);
        break;
      case 'resources':
        this.held.set(key, objectKey(parsed.namespace, 'leases', parsed.lease));
        break;
      case 'images': {
        const digest = fromBinary(ImageSchema, payload).target?.digest ?? '';
        if (digest !== '') this.targets.set(key, objectKey(parsed.namespace, 'content', digest));
        break;
      }
      case 'containers': {
        const { snapshotter, snapshotKey: name } = fromBinary(ContainerSchema, payload);
        if (snapshotter !== '' && name !== '')
          this.targets.set(key, snapshotKey(parsed.namespace, snapshotter, name));
        break;
      }
    }
  }
}

export function snapshotOf(key: string, payload: Uint8Array, backend: string): SnapshotRecord {
  const parsed = parseKey(key);
  if (parsed?.table !== 'snapshots') throw new TypeError(`${key} is of no snapshot`);
  const { namespace, snapshotter, name } = parsed;
  const { parent } = fromBinary(SnapshotSchema, payload);
  const hasParent = parent !== '';
  return {
    snapshotter,
    backend,
    parent: hasParent ? snapshotKey(namespace, snapshotter, parent) : undefined,
    edge: hasParent ? childKey(namespace, snapshotter, parent, name) : undefined,
  };
}
