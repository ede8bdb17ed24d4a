import assert from 'node:assert/strict';
import { LABEL, type Labels } from '@stowage/core';
import type { SnapshotInfo, Snapshotter } from '@stowage/snapshots';
import type { Case, CaseContext, RemoteSnapshot } from '../subject.ts';
import { commitLayer, pairs, refused } from '../support.ts';

const NOBODYS = `sha256:${'0123456789abcdef'.repeat(4)}`;

/** What a caller after a certain layer labels its key with. */
const after = (target: string): Labels => ({ [LABEL.snapshotRef]: target });

function remoteOf({ remote }: CaseContext): RemoteSnapshot {
  assert.ok(remote, 'a subject that claims remote has a remote snapshot');
  return remote;
}

/** Asks for a remote snapshot, which must be refused because it is there. */
async function hit(s: Snapshotter, { target, parent = '', labels }: RemoteSnapshot): Promise<void> {
  await refused('already_exists', s.prepare('k', parent, { labels: { ...labels, ...after(target) } }));
}

/** As a daemon looks for what it was told is there (containerd core/metadata/snapshot.go createSnapshot). */
async function found(s: Snapshotter, { target, parent = '' }: RemoteSnapshot): Promise<SnapshotInfo[]> {
  const all: SnapshotInfo[] = [];
  for await (const info of s.list([`labels."${LABEL.snapshotRef}"==${JSON.stringify(target)}`]))
    if (info.kind === 'committed' && info.parent === parent) all.push(info);
  return all;
}

/** The protocol of `containerd.io/snapshot.ref`, by which a layer need not be fetched. */
export const targetCases: readonly Case[] = [
  {
    id: 'targets/nobody-has-make-an-active-snapshot',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await s.prepare('k', 'base', { labels: after(NOBODYS) });
      const { kind, labels } = await s.stat('k');
      assert.equal(kind, 'active');
      assert.deepEqual(pairs(labels), pairs(after(NOBODYS)));
      // It is made under the name that was looked for, and then found by it.
      await s.commit(NOBODYS, 'k', { labels: after(NOBODYS) });
      assert.equal((await s.stat(NOBODYS)).parent, 'base');
    },
  },
  {
    id: 'targets/committed-before-are-already-exists',
    needs: ['targets'],
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await refused('already_exists', s.prepare('k', '', { labels: after('base') }));
      await refused('not_found', s.stat('k'));
      assert.equal((await s.stat('base')).kind, 'committed');
    },
  },
  {
    id: 'remote/hit-is-already-exists-and-listed-by-its-target',
    needs: ['remote'],
    async run(context) {
      const { snapshotter: s } = context;
      const remote = remoteOf(context);
      await hit(s, remote);
      assert.equal(
        (await found(s, remote)).length,
        1,
        'a committed snapshot with that label and that parent',
      );
      await refused('not_found', s.stat('k'));
    },
  },
  {
    id: 'remote/hit-can-be-asked-for-again',
    needs: ['remote'],
    async run(context) {
      const { snapshotter: s } = context;
      const remote = remoteOf(context);
      await hit(s, remote);
      await hit(s, remote);
      assert.equal((await found(s, remote)).length, 1);
      await refused('not_found', s.stat('k'));
    },
  },
  {
    id: 'remote/hit-can-be-a-parent',
    needs: ['remote'],
    async run(context) {
      const { snapshotter: s } = context;
      const remote = remoteOf(context);
      await hit(s, remote);
      const [info] = await found(s, remote);
      assert.ok(info, 'the snapshot that is said to be there');
      assert.ok((await s.prepare('k', info.name)).length > 0);
      assert.equal((await s.stat('k')).parent, info.name);
      await refused('failed_precondition', s.remove(info.name));
    },
  },
];
