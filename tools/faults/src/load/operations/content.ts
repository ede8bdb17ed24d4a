import { setTimeout as sleep } from 'node:timers/promises';
import type { ContentStore } from '@stowage/content';
import { type Digest, Digester, Fault, LABEL, type Labels } from '@stowage/core';
import { blobOf, bytesOf } from '../../model/bytes.ts';
import { blobKey, keyOf } from '../../model/keys.ts';
import type { Blob, Edge, Ingest } from '../../model/thing.ts';
import type { Effect } from '../../model/world.ts';
import type { ClientView } from '../client-view.ts';
import { Lie, type Operation, type Plan } from '../operation.ts';

const MOST = 10;

export const contentOperations: readonly Operation[] = [
  {
    name: 'blob.rooted',
    weight: 6,
    plan: (client) =>
      client.room('blob', MOST) ? ingest(client, pairSeed(client), client.rooted()) : undefined,
  },
  {
    name: 'blob.leased',
    weight: 8,
    plan(client) {
      const lease = client.one('lease');
      if (lease === undefined || !client.room('blob', MOST)) return undefined;
      return ingest(client, pairSeed(client), client.labels(), lease.id);
    },
  },
  {
    name: 'blob.manifest',
    weight: 6,
    plan(client) {
      const lease = client.one('lease');
      const parts = [client.one('blob'), client.one('blob')].filter((part) => part !== undefined);
      if (lease === undefined || parts.length === 0 || !client.room('blob', MOST + 4)) return undefined;
      const refs = parts.map((part, i) => [`${LABEL.gcRefContent}.l.${i}`, part.digest] as const);
      return ingest(client, client.fresh('manifest'), client.labels(Object.fromEntries(refs)), lease.id);
    },
  },
  {
    name: 'blob.garbage',
    weight: 3,
    plan: (client) => ingest(client, client.fresh('garbage'), client.labels()),
  },
  {
    name: 'blob.label',
    weight: 4,
    plan(client) {
      const old = client.one('blob');
      if (old === undefined) return undefined;
      const thing: Blob = { ...old, labels: client.relabelled(old) };
      return {
        effects: [{ key: keyOf(thing), thing }],
        run: async ({ content }, signal) =>
          void (await content.update(old.digest as Digest, thing.labels, undefined, { signal })),
      };
    },
  },
  {
    name: 'blob.delete',
    weight: 4,
    plan(client) {
      const old = client.one('blob', (blob) => client.isLoose(blob));
      if (old === undefined) return undefined;
      return {
        effects: [{ key: keyOf(old), thing: null }],
        run: ({ content }, signal) => content.delete(old.digest as Digest, { signal }),
      };
    },
  },
  {
    name: 'blob.read',
    weight: 6,
    plan(client) {
      const blob = client.one('blob');
      if (blob === undefined) return undefined;
      return { effects: [], run: ({ content }, signal) => readBack(content, blob, signal) };
    },
  },
  {
    name: 'ingest.begin',
    weight: 3,
    plan(client) {
      if (!client.room('ingest', 3)) return undefined;
      const lease = client.rng.chance(0.5) ? client.one('lease')?.id : undefined;
      const { namespace } = client;
      const ref = client.fresh('part');
      const thing: Ingest = { kind: 'ingest', namespace, ref, seed: ref, leased: lease !== undefined };
      const bytes = bytesOf(ref, blobOf(ref).sizeBytes);
      const part = bytes.subarray(0, 1 + client.rng.int(0, bytes.length - 1));
      return {
        effects: [{ key: keyOf(thing), thing }, ...ingestEdge(client, ref, lease)],
        async run(services, signal) {
          await using writer = await services.leased(lease).content.writer({ ref, signal });
          await writer.write(part, { signal });
        },
      };
    },
  },
  {
    name: 'ingest.finish',
    weight: 3,
    plan(client) {
      const old = client.one('ingest');
      if (old === undefined) return undefined;
      // Under the lease that keeps it, if one does: else resuming it would make it one that keeps itself.
      const held = client.one('edge', ({ type, id }) => type === 'ingests' && id === old.ref);
      const lease = old.leased === true ? held?.lease : undefined;
      return ingest(client, old.seed ?? old.ref, client.rooted(), lease, old);
    },
  },
  {
    name: 'ingest.abort',
    weight: 2,
    plan(client) {
      const old = client.one('ingest');
      if (old === undefined) return undefined;
      return {
        effects: [{ key: keyOf(old), thing: null }],
        run: ({ content }, signal) => content.abort(old.ref, { signal }),
      };
    },
  },
];

/** A few seeds that two clients of different namespaces share, deleted and brought again all the time. */
function pairSeed(client: ClientView): string {
  const pair = Math.floor(client.id / 2);
  return `pair${pair}-${client.rng.int(0, 30)}`;
}

/** Brings a blob in pieces, resuming `begun` if there is one. */
function ingest(
  client: ClientView,
  seed: string,
  labels: Labels,
  lease?: string,
  begun?: Ingest,
): Plan | undefined {
  const { namespace } = client;
  const { digest, sizeBytes } = blobOf(seed);
  if (!client.isFree(blobKey(namespace, digest))) return undefined;
  const blob: Blob = { kind: 'blob', namespace, digest, sizeBytes, labels, seed };
  const ref = begun?.ref ?? client.fresh('ref');
  const known = client.rng.chance(0.5);
  const left: Ingest = {
    ...{ kind: 'ingest', namespace, ref, seed, leased: lease !== undefined },
    ...(known && { expects: digest }),
  };
  const pieces = client.rng.int(1, 5);
  const pauseMs = client.rng.chance(0.2) ? client.rng.int(1, 10) : 0;
  return {
    effects: [
      { key: keyOf(blob), thing: blob },
      { key: keyOf(left), thing: null },
      ...(lease === undefined ? [] : [made(edge(namespace, lease, 'content', digest))]),
      ...(begun === undefined ? [] : ingestEdge(client, ref, lease).map(gone)),
    ],
    maybe: [made(left), ...ingestEdge(client, ref, lease)],
    async run(services, signal) {
      const { content } = services.leased(lease);
      const bring = async () => {
        await using writer = await content.writer({ ref, signal, ...(known && { expected: digest }) });
        const { offset } = await writer.status({ signal });
        const bytes = bytesOf(seed, sizeBytes).subarray(Number(offset));
        const step = Math.max(1, Math.ceil(bytes.length / pieces));
        for (let at = 0; at < bytes.length; at += step) {
          await writer.write(bytes.subarray(at, at + step), { signal });
          if (pauseMs > 0) await sleep(pauseMs, undefined, { signal });
        }
        return await writer.commit({ sizeBytes: BigInt(sizeBytes), expected: digest, labels, signal });
      };
      const got = await bring().catch((e: unknown) => {
        // What a power cut made of bytes that nobody had synced is found out once, and not again.
        if (client.unsynced && begun !== undefined && Fault.is(e, 'failed_precondition')) return bring();
        throw e;
      });
      if (got !== digest) throw new Lie(`commit ${ref}: answered ${got}, the bytes are ${digest}`);
    },
  };
}

async function readBack(
  content: ContentStore,
  { digest, sizeBytes }: Blob,
  signal: AbortSignal,
): Promise<void> {
  const digester = new Digester();
  try {
    for await (const chunk of content.read(digest as Digest, {}, { signal })) digester.update(chunk);
  } catch (e) {
    if (Fault.is(e, 'not_found')) throw new Lie(`read ${digest}: ${e.message}; it was acknowledged`);
    throw e;
  }
  if (digester.digest() !== digest || digester.sizeBytes !== BigInt(sizeBytes))
    throw new Lie(`read ${digest}: got ${digester.sizeBytes} bytes that hash to ${digester.digest()}`);
}

function edge(namespace: string, lease: string, type: string, id: string): Edge {
  return { kind: 'edge', namespace, lease, type, id };
}

function ingestEdge({ namespace }: ClientView, ref: string, lease: string | undefined): Effect[] {
  return lease === undefined ? [] : [made(edge(namespace, lease, 'ingests', ref))];
}

function gone({ key }: Effect): Effect {
  return { key, thing: null };
}

function made(thing: Edge | Ingest): Effect {
  return { key: keyOf(thing), thing };
}
