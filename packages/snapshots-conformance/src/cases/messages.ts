import assert from 'node:assert/strict';
import { Fault } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import type { Case } from '../subject.ts';
import { commitLayer, failureOf } from '../support.ts';

/** Calls that must be refused, each about something with a name of its own. */
const refusals: readonly [name: string, about: string, call: (s: Snapshotter) => Promise<unknown>][] = [
  ['stat-of-a-missing-key', 'nobody', (s) => s.stat('nobody')],
  ['update-of-a-missing-key', 'nobody', (s) => s.update('nobody', {})],
  ['usage-of-a-missing-key', 'nobody', (s) => s.usage('nobody')],
  ['mounts-of-a-missing-key', 'nobody', (s) => s.mounts('nobody')],
  ['mounts-of-a-committed-snapshot', 'base', (s) => s.mounts('base')],
  ['prepare-of-a-taken-key', 'base', (s) => s.prepare('base', '')],
  ['prepare-on-a-missing-parent', 'nobody', (s) => s.prepare('new', 'nobody')],
  ['commit-under-a-taken-name', 'base', (s) => s.commit('base', 'k')],
  ['remove-of-a-missing-key', 'nobody', (s) => s.remove('nobody')],
];

/** A message that names nothing helps nobody who reads the log of a daemon with a thousand snapshots. */
export const messageCases: readonly Case[] = refusals.map(([name, about, call]) => ({
  id: `messages/name-what-they-are-about-for-${name}`,
  async run({ snapshotter: s }) {
    await commitLayer(s, 'base');
    await s.prepare('k', 'base');
    const e = await failureOf(call(s));
    assert.ok(Fault.is(e));
    assert.ok(e.message.includes(about), `the message must name ${about}: ${e.message}`);
  },
}));
