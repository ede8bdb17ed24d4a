import { describe, expect, test } from '@jest/globals';
import { cleanLabels, MAX_LABEL_BYTES, validateLabels } from '../src/index.ts';

describe('validateLabels', () => {
  test.each([
    ['ASCII', 'k', 'v'.repeat(4095)],
    ['the key counts', 'k'.repeat(4096), ''],
    ['two bytes each', 'é', 'é'.repeat(2047)],
    ['four bytes each', '🐱', '🐱'.repeat(1023)],
  ])('key and value of 4096 bytes: %s', (_, key, value) => {
    expect(Buffer.byteLength(key + value)).toBe(MAX_LABEL_BYTES);
    expect(validateLabels({ [key]: value })).toBeUndefined();
    expect(() => validateLabels({ [key]: `${value}x` })).toThrow(
      expect.objectContaining({ kind: 'invalid_argument', message: expect.stringContaining('4097 bytes') }),
    );
  });

  test('each label counts for itself', () => {
    expect(validateLabels({ a: 'x'.repeat(4000), b: 'x'.repeat(4000) })).toBeUndefined();
  });
});

describe('cleanLabels', () => {
  test('drops empty values and leaves the original alone', () => {
    const labels = { a: '1', b: '' };
    expect({ ...cleanLabels(labels) }).toEqual({ a: '1' });
    expect(labels).toEqual({ a: '1', b: '' });
  });

  test('takes keys that mean something to JavaScript as any other', () => {
    const hostile = JSON.parse('{"__proto__":"1","constructor":"2","toString":"3"}') as Record<
      string,
      string
    >;
    const clean = cleanLabels(hostile);
    expect(Object.entries(clean)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', '3'],
    ]);
    expect(cleanLabels({}).constructor).toBeUndefined();
  });
});
