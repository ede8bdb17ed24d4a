import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  algorithmOf,
  type DigestAlgorithm,
  Digester,
  digestOf,
  hexOf,
  isDigest,
  parseDigest,
} from '../src/index.ts';

const EMPTY = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('parseDigest', () => {
  test.each<[DigestAlgorithm, number]>([
    ['sha256', 64],
    ['sha384', 96],
    ['sha512', 128],
  ])('%s takes exactly %i hex digits', (algorithm, length) => {
    const text = `${algorithm}:${'a'.repeat(length)}`;
    const digest = parseDigest(text);
    expect(algorithmOf(digest)).toBe(algorithm);
    expect(hexOf(digest)).toBe('a'.repeat(length));
    expect(isDigest(text.slice(0, -1))).toBe(false);
    expect(isDigest(`${text}a`)).toBe(false);
  });

  test.each([
    '',
    'sha256',
    'sha256:',
    'a'.repeat(64),
    EMPTY.toUpperCase(),
    EMPTY.replace('e3', 'E3'),
    EMPTY.replace('sha256', 'md5'),
    EMPTY.replace('sha256', 'constructor'),
    EMPTY.replace('e3', '..'),
    ` ${EMPTY}`,
    `${EMPTY}\n`,
  ])('%j is invalid_argument', (text) => {
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
  });
});

describe('digestOf', () => {
  test('known answers', () => {
    expect(digestOf('')).toBe(EMPTY);
    expect(digestOf('abc')).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(digestOf('', 'sha512')).toMatch(/^sha512:cf83e1357eefb8bd/);
    expect(digestOf('', 'sha384')).toMatch(/^sha384:38b060a751ac9638/);
  });

  test('a string counts as its UTF-8 bytes', () => {
    expect(digestOf('café')).toBe(digestOf(new TextEncoder().encode('café')));
  });

  test('is a digest', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => isDigest(digestOf(bytes))));
  });
});

describe('Digester', () => {
  test('gives the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (chunks) => {
        const digester = new Digester();
        for (const chunk of chunks) digester.update(chunk);
        const whole = Buffer.concat(chunks);
        expect(digester.digest()).toBe(digestOf(whole));
        expect(digester.sizeBytes).toBe(BigInt(whole.length));
      }),
    );
  });

  test('goes on after an interim digest, and counts bytes rather than UTF-16 units', () => {
    const digester = new Digester('sha512').update('é');
    expect(digester.sizeBytes).toBe(2n);
    expect(digester.digest()).toBe(digestOf('é', 'sha512'));
    expect(digester.update('x').digest()).toBe(digestOf('éx', 'sha512'));
  });
});
