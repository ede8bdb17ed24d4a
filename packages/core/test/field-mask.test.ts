import { describe, expect, test } from '@jest/globals';
import { maskedLabels, splitMaskPath, unknownMaskPath } from '../src/index.ts';

test.each([
  ['labels', 'labels', undefined],
  ['labels.a', 'labels', 'a'],
  ['labels.containerd.io/gc.ref.content.0', 'labels', 'containerd.io/gc.ref.content.0'],
  ['labels.', 'labels', ''],
  ['.a', '', 'a'],
  ['', '', undefined],
  ['target', 'target', undefined],
])('%j splits on its first dot', (path, field, key) => {
  expect(splitMaskPath(path)).toEqual({ field, key });
});

describe('maskedLabels', () => {
  const current = { a: '1', 'b.c/d': '2' };

  test.each([
    ['without a key the whole map is replaced', { x: '9' }, undefined, { x: '9' }],
    ['where an empty value deletes', { x: '', y: '1' }, undefined, { y: '1' }],
    ['a key changes', { a: '9', x: 'ignored' }, 'a', { a: '9', 'b.c/d': '2' }],
    ['a key is added', { x: '9' }, 'x', { ...current, x: '9' }],
    ['an empty value deletes the key', { 'b.c/d': '' }, 'b.c/d', { a: '1' }],
    ['a missing value deletes the key', {}, 'a', { 'b.c/d': '2' }],
    ['an inherited value is a missing one', {}, 'constructor', current],
  ])('%s', (_, next, key, expected) => {
    expect({ ...maskedLabels(current, next, key) }).toEqual(expected);
  });

  test('does not touch what it is given', () => {
    const given = { ...current };
    maskedLabels(given, { a: '9' }, 'a');
    expect(given).toEqual(current);
  });

  test('the key __proto__ is stored as any other', () => {
    const next = JSON.parse('{"__proto__":"1"}') as Record<string, string>;
    expect(Object.entries(maskedLabels({}, next, '__proto__'))).toEqual([['__proto__', '1']]);
  });
});

test('an unknown path is invalid_argument and named', () => {
  expect(unknownMaskPath('lables.a', 'image "x"')).toMatchObject({
    kind: 'invalid_argument',
    message: 'cannot update field "lables.a" of image "x"',
  });
});
