import { expect, test } from '@jest/globals';
import { LABEL } from '@stowage/core';
import type { ObjectId } from '@stowage/gc';
import fc from 'fast-check';
import { blobOf, newContainer, put, Setting } from './setting.ts';

const START = new Date('2030-01-01T00:00:00Z');
const NAMESPACES = ['a', 'b'];
const small = fc.integer({ min: 0, max: 4 });
const label = fc.oneof(
  fc
    .tuple(fc.constantFrom('ref.content.', 'bref.content.'), small)
    .map(([where, to]) => ({ where, to, isBlob: true })),
  fc
    .tuple(fc.constantFrom('ref.image.', 'ref.snapshot.memory/', 'bref.container.', 'bref.image.'), small)
    .map(([where, to]) => ({ where, to, isBlob: false })),
);
const labels = fc.array(label, { maxLength: 3 });
const mark = fc.constantFrom('none', 'none', 'root', 'flat', 'expires');

/** One thing that a client does, in one of the namespaces. */
const step = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  what: fc.constantFrom('blob', 'image', 'snapshot', 'lease', 'container', 'ingest', 'unlease', 'remove'),
  name: small,
  to: small,
  labels,
  mark,
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function labelsOf({ labels, mark }: Step): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [i, { where, to, isBlob }] of labels.entries())
    all[`containerd.io/gc.${where}${i}`] = isBlob ? blobOf(`blob ${to}`).digest : `${to}`;
  if (mark === 'root') all[LABEL.gcRoot] = 'x';
  if (mark === 'flat') all[LABEL.gcFlat] = 'x';
  if (mark === 'expires') all[LABEL.gcExpire] = '2030-01-01T01:00:00Z';
  return all;
}

async function take(at: Setting, step: Step): Promise<void> {
  const { namespace, what, name, to, mark } = step;
  const labels = labelsOf(step);
  const { images, leases, containers, snapshotter } = at.scope(namespace);
  const s = snapshotter('memory');
  switch (what) {
    case 'blob':
      return void (await put(at.contentOf(namespace), `blob ${name}`, labels));
    case 'image':
      return void (await images.create({ name: `${name}`, target: blobOf(`blob ${to}`), labels }));
    case 'snapshot':
      await s.prepare(`active ${name}`, to < name ? `${to}` : '', { labels });
      return mark === 'none' ? s.commit(`${name}`, `active ${name}`, { labels }) : undefined;
    case 'lease':
      await leases.create({ id: `${name}`, labels });
      await leases.addResource(`${name}`, { type: 'content', id: blobOf(`blob ${to}`).digest });
      await leases.addResource(`${name}`, { type: 'images', id: `${to}` });
      return leases.addResource(`${name}`, { type: 'snapshots/memory', id: `${to}` });
    case 'container': {
      const parts = { labels, snapshotter: 'memory', snapshotKey: `active ${to}`, image: `${to}` };
      return void (await containers.create(newContainer(`${name}`, parts)));
    }
    case 'ingest': {
      await using writer = await at.contentOf(namespace).writer({ ref: `${name}` });
      return writer.write(Buffer.from('half'));
    }
    case 'unlease':
      return leases.delete(`${name}`);
    case 'remove':
      return s.remove(`${name}`);
  }
}

/** What there is, by records. */
async function recorded(at: Setting): Promise<Set<string>> {
  const found = new Set<string>();
  for (const namespace of NAMESPACES) {
    const { images, leases, containers, snapshotter } = at.scope(namespace);
    const content = at.contentOf(namespace);
    const add = (kind: ObjectId['kind'], name: string, snapshotter = '') =>
      found.add(JSON.stringify([namespace, kind, snapshotter, name]));
    for await (const { name } of images.list()) add('images', name);
    for await (const { id } of leases.list()) add('leases', id);
    for await (const { id } of containers.list()) add('containers', id);
    for await (const { digest } of content.list()) add('content', digest);
    for await (const { ref } of content.statuses()) add('ingests', ref);
    for await (const { name } of snapshotter('memory').list()) add('snapshots', name, 'memory');
  }
  return found;
}

function bytesIn({ content }: Setting): bigint {
  let sum = 0n;
  for (const { bytes } of content.blobs.values()) sum += BigInt(bytes.length);
  for (const { bytes } of content.ingests.values()) sum += BigInt(bytes.length);
  return sum;
}

test('the plan is what a collection then removes, and frees', async () => {
  const gone = { records: 0, bytes: 0n };
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
      fc.constantFrom(0, 2, 48),
      async (steps, hours) => {
        let now = START;
        await using at = await Setting.make({ now: () => now });
        for (const one of steps) {
          // Clients do what can't be done as well; it changes nothing.
          await take(at, one).catch((e: { kind?: string }) => {
            if (e.kind === undefined) throw e;
          });
        }
        now = new Date(START.getTime() + hours * 3_600_000);
        const inspector = at.metadata.inspector({ namespace: '' });
        const before = await recorded(at);
        const bytesBefore = bytesIn(at);
        const planned = new Set<string>();
        let [frees, leftovers] = [0n, 0];
        for await (const { object, stage, freesBytes = 0n } of inspector.plan()) {
          const { namespace, kind, snapshotter, name } = object;
          frees += freesBytes;
          if (stage === 'backend') leftovers += 1;
          else planned.add(JSON.stringify([namespace, kind, snapshotter, name]));
        }
        const { removed } = await at.metadata.collect();
        const after = await recorded(at);
        expect([...planned].sort()).toEqual([...before].filter((one) => !after.has(one)).sort());
        expect(removed).toBe(planned.size);
        expect(frees).toBe(bytesBefore - bytesIn(at));
        expect(await Array.fromAsync(inspector.plan())).toEqual([]);
        expect(await Array.fromAsync(inspector.orphans())).toEqual([]);
        gone.records += removed + leftovers;
        gone.bytes += frees;
      },
    ),
    { numRuns: 60 },
  );
  // Or it proved nothing.
  expect(gone.records).toBeGreaterThan(60);
  expect(gone.bytes).toBeGreaterThan(0n);
}, 120_000);
