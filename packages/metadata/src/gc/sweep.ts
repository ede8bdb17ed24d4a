import { fromBinary } from '@bufbuild/protobuf';
import { InfoSchema } from '@stowage/api/snapshots/v1';
import type { Digest } from '@stowage/core';
import type { Graph } from '@stowage/gc';
import { dropBlob, dropIngest } from '../content/drop.ts';
import { childPrefix, parseKey, rangeOf } from '../database/keys.ts';
import { dropImage } from '../images.ts';
import { dropLease } from '../leases.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { dropSnapshot } from '../snapshots/namespaced-snapshotter.ts';
import { infoOf } from '../snapshots/records.ts';
import type { Cycle } from './cycle.ts';

const AT_ONCE = 64;

/** Deletes the records of what is not live, children before parents. @returns how many. */
export async function sweep(ledger: Ledger, { nodes }: Graph, cycle: Cycle): Promise<number> {
  const dead: string[] = [];
  const children = new Map<string, number>();
  for (const [key, { parent }] of nodes) {
    if (parent !== undefined) children.set(parent, (children.get(parent) ?? 0) + 1);
    if (!(await cycle.isLive(key))) dead.push(key);
  }
  let removed = 0;
  let ready = dead.filter((key) => !children.has(key));
  while (ready.length > 0) {
    const freed: string[] = [];
    for (let at = 0; at < ready.length; at += AT_ONCE) {
      const slice = ready.slice(at, at + AT_ONCE);
      const gone = await Promise.all(slice.map((key) => dropIfDead(ledger, key, cycle)));
      removed += gone.filter(Boolean).length;
      for (const [i, key] of slice.entries()) {
        const parent = nodes.get(key)?.parent;
        if (!gone[i] || parent === undefined) continue;
        const left = (children.get(parent) ?? 1) - 1;
        children.set(parent, left);
        if (left === 0 && !(await cycle.isLive(parent))) freed.push(parent);
      }
    }
    ready = freed;
  }
  return removed;
}

async function dropIfDead(ledger: Ledger, key: string, cycle: Cycle): Promise<boolean> {
  const parsed = parseKey(key);
  if (parsed === undefined) return false;
  const { namespace, name } = parsed;
  const scope = { namespace };
  return ledger.mutate({ exclusive: [key] }, async (tx) => {
    if (await cycle.isLive(key)) return false;
    const sealed = await ledger.db.get(key);
    if (sealed === undefined) return false;
    switch (parsed.table) {
      case 'images':
        dropImage(tx, scope, name);
        return true;
      case 'leases':
        await dropLease(ledger, tx, namespace, name);
        return true;
      case 'content':
        dropBlob(tx, scope, name as Digest);
        return true;
      case 'ingests':
        if (ledger.openIngests.has(key)) return false;
        dropIngest(tx, scope, name, sealed.backend);
        return true;
      case 'snapshots': {
        const { snapshotter } = parsed;
        const backend = ledger.backends.snapshotters.get(snapshotter);
        if (backend === undefined) return false;
        if (await ledger.db.any(rangeOf(childPrefix(namespace, snapshotter, name)))) return false;
        const info = infoOf(fromBinary(InfoSchema, sealed.payload));
        dropSnapshot(tx, { ledger, scope, snapshotter, backend }, info, sealed.backend);
        return true;
      }
      default:
        return false;
    }
  });
}
