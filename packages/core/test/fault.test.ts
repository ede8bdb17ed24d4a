import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { errnoOf, Fault, reasonOf } from '../src/index.ts';

describe('Fault', () => {
  test('has a kind, a message and the cause unchanged', () => {
    const cause = new Error('disk full');
    const fault = new Fault('resource_exhausted', 'write x: disk full', { cause });
    expect(fault).toMatchObject({ name: 'Fault', kind: 'resource_exhausted', message: 'write x: disk full' });
    expect(fault.cause).toBe(cause);
  });

  test('is told by its shape, as it may come from another copy of this package', () => {
    expect(Fault.is(new Fault('not_found', 'x'))).toBe(true);
    expect(Fault.is({ name: 'Fault', kind: 'not_found', message: 'x' })).toBe(true);
    expect(Fault.is(new Fault('not_found', 'x'), 'not_found')).toBe(true);
    expect(Fault.is(new Fault('not_found', 'x'), 'already_exists')).toBe(false);
  });

  test.each([undefined, null, 'Fault', 7, {}, new Error('x'), { name: 'Fault' }])('%p is none', (value) => {
    expect(Fault.is(value)).toBe(false);
  });
});

describe('reasonOf', () => {
  test.each([
    ['an error', new Error('no space'), 'no space'],
    ['a string', 'stopped', 'stopped'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a symbol', Symbol('why'), 'Symbol(why)'],
    ['an error without message', new TypeError(), 'TypeError'],
    ['several errors in one', new AggregateError([new Error('a'), new Error('b')]), 'a; b'],
    ['several errors with a message', new AggregateError([new Error('a')], 'all failed'), 'all failed'],
    ['what has no text at all', Object.create(null), 'unknown reason'],
  ])('%s', (_, thrown, reason) => {
    expect(reasonOf(thrown)).toBe(reason);
  });
});

test('errnoOf gives the code of a system error only', async () => {
  const e = await readFile('/nonexistent/stowage').catch((caught: unknown) => caught);
  expect(errnoOf(e)).toBe('ENOENT');
  expect(errnoOf({ code: 5 })).toBeUndefined();
  expect(errnoOf(new Error('x'))).toBeUndefined();
  expect(errnoOf(undefined)).toBeUndefined();
});
