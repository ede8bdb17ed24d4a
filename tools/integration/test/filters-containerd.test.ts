import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf, Fault } from '@stowage/core';
import type { ImageStore } from '@stowage/images';
import { remoteImages } from '@stowage/images/remote';
import { unixTransport } from '@stowage/rpc/transport';
import { type Program, startContainerd } from '@stowage/testing';
import fc from 'fast-check';
import { withDaemon } from '../suite.ts';

// What the grammar of filters is, containerd knows best: the same images in both daemons, and any filter must find the
// same ones in both, or be refused by both. But for `-` in names, which only ours reads without quotes.

const RUNS = process.env.STOWAGE_LONG === '1' ? 20_000 : 400;
const suite = withDaemon('filters-containerd');
const IMAGES: ReadonlyArray<readonly [name: string, labels: Readonly<Record<string, string>>]> = [
  ['a', {}],
  ['ab', { a: 'a', 'a.b': 'b' }],
  ['b', { a: 'b', 'a.b/c': 'a' }],
  ['a.b', { 'x y': 'a', b: 'ab' }],
  ['a/b', { 'say "a"': 'b', a: 'a b' }],
  ['a,b', { a: 'a,b', b: '/a/' }],
  ['猫', { a: '猫', é: 'a' }],
  ['a\\b', { '\\': 'a', a: '\\' }],
  ['"a"', { a: '"a"' }],
  ['a\nb', { a: 'a\nb' }],
];

/** What a filter finds, or that it can't be read. */
async function answer(store: ImageStore, filters: readonly string[]): Promise<readonly string[] | 'refused'> {
  try {
    return (await Array.fromAsync(store.list(filters))).map(({ name }) => name);
  } catch (e) {
    if (Fault.is(e, 'invalid_argument')) return 'refused';
    throw e;
  }
}

const NAMES = [
  'name',
  'labels',
  'annotations',
  'target',
  'digest',
  'a',
  'b',
  'c',
  '"a"',
  '"a.b"',
  '"a.b/c"',
  '"x y"',
  '"say \\"a\\""',
  '"\\\\"',
  '"\\u00e9"',
];
const VALUES = [
  'a',
  'b',
  'ab',
  'a/b',
  '.',
  '/',
  '|',
  '"a"',
  '"a,b"',
  '"a\\nb"',
  '/a/',
  '|b|',
  '"\\x61"',
  '"\\141"',
  '"\\u732b"',
  '猫',
  '^a',
  'a$',
  '"[ab]+"',
  '/\\\\W/',
  '"("',
  'a b',
  '""',
];
const clean = fc
  .tuple(
    fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '==', '!=', '~='),
    fc.constantFrom(...VALUES),
    fc.constantFrom('', '', ' ', '\t'),
  )
  .map(([names, operator, value, space]) =>
    operator === '' ? names.join('.') : `${names.join('.')}${space}${operator}${space}${value}`,
  );
const TOKENS = [
  ...NAMES,
  ...VALUES,
  '.',
  '.',
  ',',
  '==',
  '!=',
  '~=',
  '=',
  '!',
  '~',
  ' ',
  '\n',
  '\\',
  '"',
  '/',
  '|',
  '_',
  'é',
  '\u00a0',
  '\u0085',
  '\u2003',
  '\u0001',
  '\ufffd',
  '🐱',
  '(',
];
const filter = fc.oneof(
  clean,
  fc.array(clean, { minLength: 2, maxLength: 3 }).map((all) => all.join(',')),
  fc.tuple(clean, fc.nat(), fc.constantFrom('', ...TOKENS)).map(([good, at, other]) => {
    const cut = at % (good.length + 1);
    return good.slice(0, cut) + other + good.slice(cut + (at % 2));
  }),
  fc.array(fc.constantFrom(...TOKENS), { maxLength: 8 }).map((all) => all.join('')),
);

describe('beside containerd', () => {
  let containerd: Program & { readonly address: string };
  let transports: Array<ReturnType<typeof unixTransport>> = [];
  let ours: ImageStore;
  let theirs: ImageStore;

  beforeAll(async () => {
    containerd = await startContainerd(join(suite.dir, 'containerd'));
    transports = [suite.daemon.address, containerd.address].map((address) => unixTransport(address));
    const stores = transports.map((transport) => remoteImages(transport, { namespace: 'filters' }));
    for (const store of stores)
      for (const [name, labels] of IMAGES) {
        const target = { mediaType: 'application/x', digest: digestOf(name), size: 1n };
        await store.create({ name, labels, target: { ...target, annotations: { a: name } } });
      }
    [ours, theirs] = stores as [ImageStore, ImageStore];
  }, 60_000);
  afterAll(async () => {
    for (const transport of transports) await transport[Symbol.asyncDispose]();
    await containerd[Symbol.asyncDispose]();
  });

  test('any filter finds the same images as in containerd, or is refused by both', async () => {
    const seen = { found: 0, none: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(filter, { minLength: 1, maxLength: 2 }), async (filters) => {
        const well = filters.map((text) => text.toWellFormed());
        const expected = await answer(theirs, well);
        seen[expected === 'refused' ? 'refused' : expected.length > 0 ? 'found' : 'none'] += 1;
        expect([well, await answer(ours, well)]).toEqual([well, expected]);
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(seen.found, seen.refused)).toBeGreaterThan(RUNS / 20);
  }, 1_200_000);
});
