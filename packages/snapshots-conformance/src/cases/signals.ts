import assert from 'node:assert/strict';
import type { CallOptions } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import type { Case } from '../subject.ts';
import { commitLayer, failureOf, names } from '../support.ts';

const calls: Readonly<Record<string, (s: Snapshotter, options: CallOptions) => Promise<unknown>>> = {
  stat: (s, options) => s.stat('k', options),
  update: (s, options) => s.update('k', {}, undefined, options),
  usage: (s, options) => s.usage('k', options),
  mounts: (s, options) => s.mounts('k', options),
  prepare: (s, options) => s.prepare('new', 'base', options),
  view: (s, options) => s.view('new', 'base', options),
  commit: (s, options) => s.commit('new', 'k', options),
  remove: (s, options) => s.remove('k', options),
  list: async (s, options) => {
    for await (const _ of s.list([], options));
  },
  cleanup: (s, options) => s.cleanup(options),
};

export const signalCases: readonly Case[] = Object.entries(calls).map(([method, call]) => ({
  id: `signal/${method}-rejects-with-the-reason-and-holds-nothing`,
  async run({ snapshotter: s }) {
    await commitLayer(s, 'base');
    await s.prepare('k', 'base');
    const reason = new Error('enough');
    assert.equal(await failureOf(call(s, { signal: AbortSignal.abort(reason) })), reason);
    // Nothing is locked: what the call was about can be used and removed at once.
    for (const name of (await names(s)).reverse()) if (name !== 'base') await s.remove(name);
    await s.remove('base');
    assert.deepEqual(await names(s), []);
  },
}));
