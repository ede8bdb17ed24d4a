import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { quote, validateIdentifier } from '../src/index.ts';

const invalid = (text: string) =>
  expect.objectContaining({ kind: 'invalid_argument', message: expect.stringContaining(text) });

describe('validateIdentifier', () => {
  test.each(['a', '0', 'default', 'moby', 'k8s.io', 'a-b_c.d', '1.2.3', 'A'.repeat(75), 'a'.repeat(76)])(
    '%s is fine',
    (id) => expect(validateIdentifier(id)).toBeUndefined(),
  );

  test.each([
    ['', 'empty'],
    ['a'.repeat(77), 'longer than 76'],
    ['.a', 'must match'],
    ['a.', 'must match'],
    ['a..b', 'must match'],
    ['a.-b', 'must match'],
    ['-', 'must match'],
    ['a/b', 'must match'],
    ['..', 'must match'],
    ['a b', 'must match'],
    ['a\n', 'must match'],
    ['é', 'must match'],
    ['ａ', 'must match'],
    ['١', 'must match'],
    ['a\u0000', 'must match'],
  ])('%j is not', (id, reason) => {
    expect(() => validateIdentifier(id)).toThrow(invalid(reason));
  });

  test('says what was wrong with which value', () => {
    expect(() => validateIdentifier('a/b', 'namespace')).toThrow(invalid('namespace "a/b" must match'));
  });
});

describe('quote', () => {
  test('cuts a long text', () => {
    expect(quote('x'.repeat(101))).toBe(`"${'x'.repeat(100)}…"`);
    expect(quote('x'.repeat(100))).toBe(`"${'x'.repeat(100)}"`);
  });

  test.each([
    ['a line break', 'a\nb', '"a\\nb"'],
    ['a quotation mark', 'a"b', '"a\\"b"'],
    ['a terminal escape', '\u001b[2J', '"\\u001b[2J"'],
    ['a terminal escape of one byte', '\u009b2J', '"\\u009b2J"'],
    ['delete', '\u007f', '"\\u007f"'],
    ['a turn of writing direction', '\u202egpj', '"\\u202egpj"'],
    ['a line separator', '\u2028', '"\\u2028"'],
    ['half a surrogate pair', '\ud800', '"\\ud800"'],
    ['other languages stay', '猫 é 🐱', '"猫 é 🐱"'],
  ])('%s', (_, text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });

  test('is JSON, one line, and never lets a control character through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        if (text.length > 100) return;
        expect(quote(text)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
        expect(JSON.parse(quote(text))).toBe(text);
      }),
    );
  });
});
