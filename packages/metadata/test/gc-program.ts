import fc from 'fast-check';

interface LabelSpec {
  readonly as: 'ref' | 'bref' | 'cond' | 'root' | 'expire' | 'used';
  readonly kind: 'content' | 'image' | 'snapshot' | 'container';
  readonly of: number;
}

/** One call of a client. What the numbers mean depends on the act. */
export interface Step {
  readonly act: (typeof ACTS)[number];
  /** 0 or 1. */
  readonly namespace: number;
  readonly a: number;
  readonly b: number;
  /** The lease under which it is done; 3 for none. */
  readonly lease: number;
  readonly labels: readonly LabelSpec[];
  /** Pauses of the collection that go by before it. */
  readonly wait: number;
}

// biome-ignore format: by what they are about
const ACTS = [
  'lease', 'unlease', 'unlease', 'hold', 'hold', 'hold', 'hold', 'letgo',
  'put', 'put', 'put', 'put', 'label', 'label', 'unput', 'look', 'look',
  'image', 'image', 'reimage', 'unimage',
  'prepare', 'prepare', 'commit', 'commit', 'remove', 'relabel', 'stat',
  'container', 'uncontainer', 'sandbox', 'unsandbox',
  'ingest', 'abort', 'sleep',
  'revive', 'revive', 'revive', 'revive', 'revive', 'revive', 'revive', 'revive', 'revive', 'revive',
] as const;

const labelSpec: fc.Arbitrary<LabelSpec> = fc.record({
  as: fc.constantFrom('ref', 'ref', 'ref', 'ref', 'bref', 'bref', 'cond', 'root', 'expire', 'used'),
  kind: fc.constantFrom('content', 'content', 'image', 'snapshot', 'container'),
  of: fc.nat(3),
});

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom(...ACTS),
  namespace: fc.constantFrom(0, 0, 0, 1),
  a: fc.nat(3),
  b: fc.nat(3),
  lease: fc.constantFrom(0, 1, 2, 3, 3, 3),
  labels: fc.array(labelSpec, { maxLength: 3 }),
  wait: fc.constantFrom(0, 0, 1, 2, 3),
});

/** What most of the rest is nothing without: a lease, a flat one, one that expires, and two snapshots. */
const beginning: readonly Step[] = [
  begin('lease', { a: 0, b: 0 }),
  begin('lease', { a: 1, b: 1 }),
  begin('lease', { a: 2, b: 2 }),
  begin('prepare', { a: 0, b: 3, lease: 0 }),
  begin('commit', { a: 0, b: 0, lease: 0 }),
  begin('prepare', { a: 1, b: 0, lease: 0 }),
  begin('commit', { a: 1, b: 1, lease: 0 }),
];

/** Most are short, so that many fit into the time; some are long enough for what needs many calls. */
export const program: fc.Arbitrary<Step[]> = fc
  .oneof(
    { weight: 9, arbitrary: fc.array(step, { maxLength: 12, size: 'max' }) },
    { weight: 1, arbitrary: fc.array(step, { maxLength: 60, size: 'max' }) },
  )
  .map((steps) => [...beginning, ...steps]);

function begin(act: Step['act'], more: Partial<Step>): Step {
  return { act, namespace: 0, a: 0, b: 0, lease: 3, labels: [], wait: 0, ...more };
}
