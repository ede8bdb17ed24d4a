import { expect, test } from '@jest/globals';
import {
  isRoot,
  labelBackRefs,
  labelExpiry,
  labelRefs,
  type Node,
  objectName,
  reachable,
  Walk,
} from '@stowage/gc';

test.each([
  ['containerd.io/gc.ref.content', objectName('content', 'x')],
  ['containerd.io/gc.ref.content.l.0', objectName('content', 'x')],
  ['containerd.io/gc.ref.content/any', objectName('content', 'x')],
  ['containerd.io/gc.ref.image.base', objectName('images', 'x')],
  ['containerd.io/gc.ref.snapshot.overlayfs', objectName('snapshots', 'x', 'overlayfs')],
  ['containerd.io/gc.ref.snapshot.overlayfs/1', objectName('snapshots', 'x', 'overlayfs')],
])('%s keeps what it names', (label, name) => {
  expect(labelRefs({ [label]: 'x' })).toEqual([name]);
});

test.each(['containerd.io/gc.ref.contents', 'containerd.io/gc.ref.snapshot', 'gc.ref.content', '__proto__'])(
  '%s keeps nothing',
  (label) => {
    expect(labelRefs(JSON.parse(JSON.stringify({ [label]: 'x' })))).toEqual([]);
  },
);

test.each([
  ['container', objectName('containers', 'x')],
  ['content', objectName('content', 'x')],
  ['image.base', objectName('images', 'x')],
  ['snapshot.overlayfs/1', objectName('snapshots', 'x', 'overlayfs')],
])('containerd.io/gc.bref.%s keeps its own object', (suffix, name) => {
  expect(labelBackRefs({ [`containerd.io/gc.bref.${suffix}`]: 'x' })).toEqual([name]);
});

test('a label that is no time never expires', () => {
  expect(labelExpiry({ 'containerd.io/gc.expire': 'soon' })).toBeUndefined();
  expect(labelExpiry({ 'containerd.io/gc.expire': '2020' })).toBeUndefined();
});

test('a label gc.root makes a root, whatever its value', () => {
  const at = new Date();
  expect(isRoot('content', { 'containerd.io/gc.root': 'x' }, undefined, at)).toBe(true);
  expect(isRoot('snapshots', { 'containerd.io/gc.root/mine': 'x' }, undefined, at)).toBe(true);
  expect(isRoot('content', { 'containerd.io/gc.roots': 'x' }, undefined, at)).toBe(false);
});

test('a lease is a root until it expires', () => {
  const at = new Date('2026-01-01');
  expect(isRoot('leases', {}, undefined, at)).toBe(true);
  expect(isRoot('leases', {}, at, at)).toBe(true);
  expect(isRoot('leases', {}, new Date('2025-12-31'), at)).toBe(false);
});

test('a flat lease holds a snapshot and its parents, not what their labels name', async () => {
  const leaf = { refs: ['parent', 'blob'], parent: 'parent', isFlat: false };
  const nodes = new Map<string, Node>([
    ['lease', { refs: ['leaf'], parent: undefined, isFlat: true }],
    ['leaf', leaf],
    ['parent', { refs: ['other'], parent: undefined, isFlat: false }],
    ['blob', { refs: [], parent: undefined, isFlat: false }],
    ['other', { refs: [], parent: undefined, isFlat: false }],
  ]);
  expect(await reachable({ nodes, roots: ['lease'] })).toEqual(new Set(['lease', 'leaf', 'parent']));
});

test('what lives while another does lives also where that is only named', async () => {
  const nodes = new Map([
    ['image', { refs: ['gone'], parent: 'gone', isFlat: false }],
    ['bound', { refs: [], parent: undefined, isFlat: false }],
  ]);
  const absent = new Map([['gone', ['bound']]]);
  expect(await reachable({ nodes, roots: ['image'], absent })).toEqual(new Set(['image', 'gone', 'bound']));
});

test('a walk can be interrupted, and set out anew', () => {
  const node = (...refs: string[]) => ({ refs, parent: undefined, isFlat: false });
  const nodes = new Map([
    ['a', node('b')],
    ['b', node('a', 'c')],
    ['c', node()],
    ['d', node()],
  ]);
  const walk = new Walk({ nodes, roots: [] });
  walk.from('a');
  expect(walk.advance(1)).toBe(false);
  expect(walk.has('c')).toBe(false);
  expect(walk.advance()).toBe(true);
  expect(walk.has('c')).toBe(true);
  expect(walk.has('d')).toBe(false);
  walk.from('d');
  expect(walk.advance()).toBe(true);
  expect(walk.has('d')).toBe(true);
});
