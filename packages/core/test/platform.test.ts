import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  formatPlatform,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
  platformRank,
} from '../src/index.ts';

const host = hostPlatform();

describe('normalizePlatform', () => {
  test.each([
    ['linux/amd64', 'linux/amd64'],
    ['Linux/X86_64', 'linux/amd64'],
    ['linux/x86-64', 'linux/amd64'],
    ['linux/x64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/V3', 'linux/amd64/v3'],
    ['linux/i386/v2', 'linux/386'],
    ['macOS/aarch64', 'darwin/arm64'],
    ['linux/arm64/8', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/v8.2', 'linux/arm64/v8.2'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['linux/arm/9', 'linux/arm/9'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armhf/v6', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/riscv64/rva23u64', 'linux/riscv64/rva23u64'],
    ['win32/x64', 'windows/amd64'],
    ['linux/constructor', 'linux/constructor'],
    ['__proto__/__proto__', '__proto__/__proto__'],
  ])('%s is %s', (text, canonical) => {
    expect(formatPlatform(parsePlatform(text))).toBe(canonical);
  });

  test('keeps version and features, these sorted and once each, and leaves out what is empty', () => {
    const platform = {
      os: 'windows',
      architecture: 'amd64',
      osVersion: '10.0.17763',
      osFeatures: ['b', 'a', 'b'],
    };
    expect(normalizePlatform(platform)).toEqual({ ...platform, osFeatures: ['a', 'b'] });
    expect(
      normalizePlatform({ os: 'linux', architecture: 'amd64', variant: '', osVersion: '', osFeatures: [] }),
    ).toEqual({ os: 'linux', architecture: 'amd64' });
  });

  test('does not change what it made', () => {
    const word = fc.constantFrom(
      '',
      'linux',
      'arm',
      'arm64',
      'amd64',
      'armhf',
      'i386',
      'v7',
      'V8',
      '8',
      'v1',
      'x64',
    );
    fc.assert(
      fc.property(word, word, fc.option(word, { nil: undefined }), (os, architecture, variant) => {
        const once = normalizePlatform({ os, architecture, variant });
        expect(normalizePlatform(once)).toEqual(once);
      }),
    );
  });
});

describe('parsePlatform', () => {
  test('an os alone has the architecture of this machine', () => {
    expect(parsePlatform('windows')).toMatchObject({ os: 'windows', architecture: host.architecture });
    expect(parsePlatform('MacOS')).toMatchObject({ os: 'darwin', architecture: host.architecture });
  });

  test('an architecture alone has the os of this machine', () => {
    expect(parsePlatform('aarch64')).toEqual({ os: host.os, architecture: 'arm64' });
    expect(parsePlatform('armel')).toEqual({ os: host.os, architecture: 'arm', variant: 'v6' });
  });

  test('an os may carry its version and features', () => {
    expect(parsePlatform('windows(10.0.17763+win32k)/amd64')).toEqual({
      os: 'windows',
      architecture: 'amd64',
      osVersion: '10.0.17763',
      osFeatures: ['win32k'],
    });
  });

  test.each([
    '',
    '/',
    'linux/',
    '/amd64',
    'linux//v7',
    'linux/arm/v7/x',
    'linux/*',
    'lin ux/amd64',
    'toaster',
    'a/b\n',
  ])('%j is invalid_argument', (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
  });
});

test('this process runs on a platform that parses', () => {
  expect(parsePlatform(formatPlatform(host))).toEqual(host);
  expect(platformRank(host, host)).toBe(0);
});

describe('platformRank', () => {
  const order = (on: string, offered: readonly string[]) =>
    offered
      .map((text) => ({ text, rank: platformRank(parsePlatform(on), parsePlatform(text)) }))
      .filter(({ rank }) => rank !== undefined)
      .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
      .map(({ text }) => text);

  test.each([
    [
      'linux/amd64',
      ['linux/386', 'linux/arm64', 'linux/amd64/v2', 'linux/amd64'],
      ['linux/amd64', 'linux/386'],
    ],
    [
      'linux/amd64/v3',
      ['linux/amd64', 'linux/386', 'linux/amd64/v4', 'linux/amd64/v2', 'linux/amd64/v3'],
      ['linux/amd64/v3', 'linux/amd64/v2', 'linux/amd64', 'linux/386'],
    ],
    ['linux/386', ['linux/amd64', 'linux/386'], ['linux/386']],
    [
      'linux/arm64',
      [
        'linux/arm/v6',
        'linux/arm',
        'linux/arm64',
        'linux/arm/v8',
        'linux/arm64/v8.1',
        'linux/arm/v9',
        'linux/arm/v4',
      ],
      ['linux/arm64', 'linux/arm/v8', 'linux/arm', 'linux/arm/v6'],
    ],
    [
      'linux/arm64/v8.10',
      ['linux/arm64/v8.2', 'linux/arm64', 'linux/arm64/v8.10', 'linux/arm64/v8.11', 'linux/arm64/v9'],
      ['linux/arm64/v8.10', 'linux/arm64/v8.2', 'linux/arm64'],
    ],
    [
      'linux/arm64/v9.1',
      [
        'linux/arm64',
        'linux/arm64/v8.6',
        'linux/arm64/v8.7',
        'linux/arm64/v9',
        'linux/arm64/v9.1',
        'linux/arm/v7',
      ],
      ['linux/arm64/v9.1', 'linux/arm64/v9', 'linux/arm64/v8.6', 'linux/arm64', 'linux/arm/v7'],
    ],
    [
      'linux/arm/v7',
      ['linux/arm/v5', 'linux/arm/v8', 'linux/arm/v6', 'linux/arm64', 'linux/arm'],
      ['linux/arm', 'linux/arm/v6', 'linux/arm/v5'],
    ],
    [
      'linux/riscv64/rva23u64',
      ['linux/riscv64', 'linux/riscv64/rva20u64', 'linux/riscv64/rva23u64'],
      ['linux/riscv64/rva23u64', 'linux/riscv64'],
    ],
    ['darwin/arm64', ['linux/arm64'], []],
    ['linux/amd64', ['linux/amd64/x', 'linux/amd64/v', 'linux/amd64/v1.5', 'linux/amd64/v99999999999'], []],
  ])('%s takes of %j in this order: %j', (on, offered, expected) => {
    expect(order(on, offered)).toEqual(expected);
  });

  test('OS features that an image asks for must be there, OS versions need not match', () => {
    const windows = { os: 'windows', architecture: 'amd64', osVersion: '10.0.20348' };
    const picky = { ...windows, osVersion: '10.0.17763', osFeatures: ['win32k'] };
    expect(platformRank(windows, picky)).toBeUndefined();
    expect(platformRank({ ...windows, osFeatures: ['other', 'win32k'] }, picky)).toBe(0);
    expect(platformRank(picky, windows)).toBe(0);
  });

  test('is a whole number, or undefined', () => {
    const word = fc.constantFrom('386', 'amd64', 'arm', 'arm64', 'riscv64');
    const variant = fc.option(fc.stringMatching(/^v?[0-9]{1,3}(\.[0-9]{1,2})?$/), { nil: undefined });
    const platform = fc.record({ os: fc.constant('linux'), architecture: word, variant });
    fc.assert(
      fc.property(platform, platform, (on, offered) => {
        const rank = platformRank(on, offered);
        expect(rank === undefined || (Number.isSafeInteger(rank) && rank >= 0)).toBe(true);
      }),
    );
  });
});
