import assert from 'node:assert/strict';
import type { Mount } from '@stowage/core';
import { type Case, pair, refused } from './case.ts';

const [base] = pair as [Mount];

export const hostileCases: readonly Case[] = [
  {
    id: 'ten-thousand-mounts-are-too-many',
    async run({ mounts, at }) {
      const many = Array.from({ length: 10_000 }, () => base);
      await refused('invalid_argument', () => mounts().activate('many', many, { temporary: true }));
      await refused('invalid_argument', () => mounts().activate('many', [...many, ...pair]));
      assert.deepEqual(await at.mounted(), []);
    },
  },
  {
    id: 'templates-give-no-more-than-is-good',
    async run({ mounts, at }) {
      const options = Array.from({ length: 40_000 }, () => '{{overlay 0 31}}');
      const wide = Array.from({ length: 32 }, () => base);
      await refused('invalid_argument', () =>
        mounts().activate('bomb', [...wide, { type: 'format/overlay', source: 'overlay', options }]),
      );
      const long = 'x'.repeat(1 << 20);
      await refused('invalid_argument', () =>
        mounts().activate('bomb', [...pair, { ...base, source: long }]),
      );
      assert.deepEqual(await at.mounted(), []);
    },
  },
  {
    id: 'a-template-says-what-it-may-and-nothing-else',
    async run({ mounts, at }) {
      const bad = [
        '{{',
        '{{ }}',
        '{{ mount }}',
        '{{ mount -1 }}',
        '{{ mount 1 }}',
        '{{ mount 0x0 }}',
        '{{ mount 99999999999999999999 }}',
        '{{ mount 0 0 }}',
        '{{ overlay 0 }}',
        '{{ overlay 0 1 }}',
        '{{ overlay 1 0 }}',
        '{{ printf "%s" "x" }}',
        '{{ mount 0 | len }}',
        '{{ constructor 0 }}',
        '{{mount 0}',
      ];
      for (const source of bad)
        await refused('invalid_argument', () =>
          mounts().activate('bad', [base, { type: 'format/bind', source, options: [] }]),
        );
      assert.deepEqual(await at.mounted(), []);
    },
  },
  {
    id: 'a-chain-of-what-there-is-not-is-refused',
    async run({ mounts }) {
      for (const type of [
        'erofs/overlay',
        'format/erofs/overlay',
        '/overlay',
        '__proto__/overlay',
        'mkfs2/loop',
      ])
        await refused('unimplemented', () => mounts().activate('bad', [base, { ...base, type }]));
      for (const type of ['format/', `${'format/'.repeat(1000)}tmpfs`])
        await refused('invalid_argument', () => mounts().activate('bad', [base, { ...base, type }]));
    },
  },
];
