import { LABEL } from '@stowage/core';
import { type ObjectKind, objectName } from '@stowage/gc';
import type { Fact, FactSource, ObjectFact } from '@stowage/gc/inspect';
import fc from 'fast-check';

export const AT = new Date('2030-01-01T00:00:00Z');
const NAMESPACES = ['a', 'b'];
const KINDS: readonly ObjectKind[] = [
  'images',
  'containers',
  'sandboxes',
  'leases',
  'content',
  'ingests',
  'snapshots',
];

/** A few names, so that objects meet. */
const small = fc.integer({ min: 0, max: 4 });
const refLabel = fc.record({
  where: fc.constantFrom(
    'ref.content.',
    'ref.image.',
    'ref.snapshot.s/',
    'bref.content.',
    'bref.container.',
    'bref.image.',
  ),
  suffix: small,
  to: small,
});

interface Draft {
  readonly namespace: string;
  readonly kind: ObjectKind;
  readonly name: number;
  readonly to: number;
  readonly labels: ReadonlyArray<{ readonly where: string; readonly suffix: number; readonly to: number }>;
  readonly mark: 'none' | 'root' | 'flat' | 'expired' | 'expiring' | 'open';
  readonly resources: ReadonlyArray<{
    readonly kind: 'content' | 'snapshots' | 'images';
    readonly to: number;
  }>;
}

const draft: fc.Arbitrary<Draft> = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  kind: fc.constantFrom(...KINDS),
  name: small,
  to: small,
  labels: fc.array(refLabel, { maxLength: 3 }),
  mark: fc.constantFrom('none', 'none', 'root', 'flat', 'expired', 'expiring', 'open'),
  resources: fc.array(fc.record({ kind: fc.constantFrom('content', 'snapshots', 'images'), to: small }), {
    maxLength: 3,
  }),
});

/** What a small and odd daemon may tell. */
export const facts: fc.Arbitrary<Fact[]> = fc
  .uniqueArray(draft, {
    maxLength: 30,
    selector: ({ namespace, kind, name }) => `${namespace} ${kind} ${name}`,
  })
  .map((drafts) => drafts.flatMap(factsOf));

function factsOf(draft: Draft): Fact[] {
  const { namespace, kind, name, to, mark, resources } = draft;
  const id = { ...objectName(kind, `${name}`, kind === 'snapshots' ? 's' : ''), namespace };
  const labels: Record<string, string> = Object.fromEntries(
    draft.labels.map(({ where, suffix, to }) => [`containerd.io/gc.${where}${suffix}`, `${to}`]),
  );
  if (mark === 'root') labels[LABEL.gcRoot] = 'x';
  if (mark === 'flat') labels[LABEL.gcFlat] = 'x';
  const object: ObjectFact = {
    fact: 'object',
    id,
    labels,
    names: namesOf(kind, name, to),
    expiry: expiryOf(kind, mark),
    heldBy: kind === 'ingests' && mark === 'open' ? 'writer' : undefined,
    ...(kind === 'content' && { sizeBytes: 10n ** BigInt(name) }),
    handle: `${namespace}/${name}`,
  };
  if (kind !== 'leases') return [object];
  return [
    object,
    ...resources.map(({ kind, to }) => ({
      fact: 'resource' as const,
      lease: id,
      resource: objectName(kind, `${to}`, kind === 'snapshots' ? 's' : ''),
    })),
  ];
}

function namesOf(kind: ObjectKind, name: number, to: number): ObjectFact['names'] {
  if (kind === 'images') return { by: 'target', object: objectName('content', `${to}`), mediaType: 'm' };
  if (kind === 'containers') return { by: 'snapshot', object: objectName('snapshots', `${to}`, 's') };
  // A parent is older than its child: no snapshot is its own ancestor.
  if (kind === 'snapshots' && to < name)
    return { by: 'parent', object: objectName('snapshots', `${to}`, 's') };
  return undefined;
}

function expiryOf(kind: ObjectKind, mark: Draft['mark']): Date | undefined {
  if (mark === 'expired') return new Date(AT.getTime() - 1000);
  if (mark === 'expiring' || (kind === 'ingests' && mark === 'root')) return new Date(AT.getTime() + 1000);
  return undefined;
}

/** A source of such facts. Snapshots and ingests have a size that their name tells. */
export function sourceOf(facts: readonly Fact[]): FactSource {
  return {
    limits: [],
    now: () => AT,
    async *facts(namespace) {
      for (const fact of facts) {
        if (namespace === undefined || fact.fact === 'leftover') yield fact;
        else if ((fact.fact === 'object' ? fact.id : fact.lease).namespace === namespace) yield fact;
      }
    },
    bytesOf: async ({ id: { kind, name } }) => (kind === 'snapshots' ? 3n : 7n) * 10n ** BigInt(name),
    async *orphans() {},
    collect: async () => ({ removed: 0, pruned: 0, durationMs: 0 }),
  };
}
