import assert from 'node:assert/strict';
import type { Case } from '../subject.ts';
import { names, refused } from '../support.ts';

/** Keys are free text: a daemon makes them of namespaces, numbers and whatever its clients say. */
const HOSTILE = [
  'moby/12/extract-123 sha256:abc',
  '../../../etc/passwd',
  '/absolute',
  '.',
  '..',
  ' ',
  '__proto__',
  'constructor',
  'with\nnewline',
  'with\0nul',
  'ünïcode-\u{1f980}',
  'e\u0301',
  '\u00e9',
  'new-1',
  'trash-1',
  '1',
  'x'.repeat(2000),
];

export const keyCases: readonly Case[] = [
  {
    id: 'keys/may-be-any-text',
    async run({ snapshotter: s }) {
      for (const key of HOSTILE) {
        await refused('not_found', s.stat(key));
        await s.prepare(key, '');
        assert.equal((await s.stat(key)).name, key);
      }
      assert.deepEqual(await names(s), [...HOSTILE].sort());
      for (const key of HOSTILE) await s.commit(`${key} committed`, key);
      for (const key of HOSTILE) {
        await s.view(key, `${key} committed`);
        assert.equal((await s.stat(key)).parent, `${key} committed`);
      }
      for (const key of HOSTILE) await s.remove(key);
      for (const key of HOSTILE) await s.remove(`${key} committed`);
      assert.deepEqual(await names(s), []);
    },
  },
  {
    id: 'keys/must-not-be-empty',
    async run({ snapshotter: s }) {
      await refused('invalid_argument', s.prepare('', ''));
      await refused('invalid_argument', s.view('', ''));
      await s.prepare('k', '');
      await refused('invalid_argument', s.commit('', 'k'));
      assert.deepEqual(await names(s), ['k']);
    },
  },
];
