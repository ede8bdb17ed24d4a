import assert from 'node:assert/strict';
import type { CallOptions } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import type { Case } from '../subject.ts';
import { commitLayer, failureOf, names, unlessRefused } from '../support.ts';

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

const upfront: readonly Case[] = Object.entries(calls).map(([method, call]) => ({
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

/** What makes up for a call that may have happened or not, and what must be so then. */
const again: Readonly<Record<string, (s: Snapshotter) => Promise<void>>> = {
  async prepare(s) {
    await unlessRefused('already_exists', s.prepare('new', 'base'));
    assert.equal((await s.stat('new')).kind, 'active');
    assert.ok((await s.mounts('new')).length > 0);
  },
  async view(s) {
    await unlessRefused('already_exists', s.view('new', 'base'));
    assert.equal((await s.stat('new')).kind, 'view');
    assert.ok((await s.mounts('new')).length > 0);
  },
  async commit(s) {
    await unlessRefused(['already_exists', 'not_found'], s.commit('new', 'k'));
    assert.equal((await s.stat('new')).kind, 'committed');
    assert.deepEqual(await names(s, 'name==k'), []);
  },
  async remove(s) {
    await unlessRefused('not_found', s.remove('k'));
    assert.deepEqual(await names(s), ['base']);
  },
};

const midway: readonly Case[] = Object.entries(again).map(([method, makeUp]) => ({
  id: `signal/${method}-given-up-midway-can-be-done-again`,
  async run({ snapshotter: s }) {
    await commitLayer(s, 'base');
    await s.prepare('k', 'base');
    const stop = new AbortController();
    const reason = new Error('enough');
    const outcome = calls[method]?.(s, { signal: stop.signal }).then(
      () => 'done',
      (e: unknown) => e,
    );
    setImmediate(() => stop.abort(reason));
    const ended = await outcome;
    assert.ok(ended === 'done' || ended === reason, `expected success or the reason, got ${ended}`);
    await makeUp(s);
  },
}));

export const signalCases: readonly Case[] = [...upfront, ...midway];
