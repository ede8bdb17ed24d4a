import { expect, test } from '@jest/globals';
import type { ActiveMount } from '@stowage/mounts';
import fc from 'fast-check';
import { filledIn } from '../src/template.ts';

function active(i: number): ActiveMount {
  const mountPoint = `/m/${i}`;
  return {
    type: 'x',
    source: `s${i}`,
    target: `t${i}`,
    options: [],
    mountedAt: new Date(0),
    mountPoint,
    data: {},
  };
}

const three = [active(0), active(1), active(2)];
const filled = (text: string) => filledIn(text, three, { left: 10_000 });

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['}} and { {', '}} and { {'],
  ['{{ source 0 }}', 's0'],
  ['{{ target 2 }}', 't2'],
  ['a{{mount 1}}b{{\tmount\n0 }}c', 'a/m/1b/m/0c'],
  ['{{ overlay 0 2 }}', '/m/0:/m/1:/m/2'],
  ['{{ overlay 2 0 }}', '/m/2:/m/1:/m/0'],
  ['{{ overlay 1 1 }}', '/m/1'],
  ['{{ mount 007 }}'.replace('007', '001'), '/m/1'],
])('%j gives %j', (text, expected) => {
  expect(filled(text)).toBe(expected);
});

test('whatever the text, it is refused or what it gives is bounded', () => {
  const word = fc.constantFrom(
    '{{',
    '}}',
    ' ',
    'mount',
    'overlay',
    'source',
    '0',
    '2',
    '9',
    '{{ mount 0 }}',
    '{{ overlay 0 2 }}',
    'x',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 40 }), (words) => {
      const text = words.join('');
      try {
        const given = filledIn(text, three, { left: 200 });
        expect(given.length).toBeLessThanOrEqual(200);
        if (!text.includes('{{')) expect(given).toBe(text);
      } catch (e) {
        expect(e).toMatchObject({ name: 'Fault', kind: 'invalid_argument' });
      }
    }),
  );
});

test('a long text costs no more than its length', () => {
  const blanks = `{{ ${' '.repeat(500_000)}`;
  const began = performance.now();
  expect(() => filled(blanks)).toThrow('template');
  expect(() => filledIn('{{'.repeat(500_000), three, { left: 1e9 })).toThrow('template');
  expect(performance.now() - began).toBeLessThan(20_000);
});
