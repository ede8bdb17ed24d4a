import { expect, test } from '@jest/globals';
import { LABEL } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import { names, Setting } from './setting.ts';

function snapshotter(at: Setting, namespace = 'default', lease?: string): Snapshotter {
  return at.scope(namespace, lease).snapshotter('memory');
}

async function base(s: Snapshotter, name: string, parent = ''): Promise<void> {
  await s.prepare(`active-${name}`, parent);
  await s.commit(name, `active-${name}`);
}

test('the same key in two namespaces is two snapshots, which the backend knows by other names', async () => {
  await using at = await Setting.make();
  const a = snapshotter(at, 'a');
  const b = snapshotter(at, 'b');
  const [mount] = await a.prepare('k', '');
  await b.prepare('k', '');
  expect(mount?.source).toMatch(/^\/memory\/a\/\d+\/k$/);
  expect([...at.snapshotter.snapshots.keys()].map((key) => key.replace(/\d+/, 'N'))).toEqual([
    'a/N/k',
    'b/N/k',
  ]);
  expect(await a.mounts('k')).toEqual([mount]);
  expect(await names(a.list(), ({ name }) => name)).toEqual(['k']);
  await a.remove('k');
  await expect(a.stat('k')).rejects.toMatchObject({ kind: 'not_found' });
  expect((await b.stat('k')).kind).toBe('active');
});

test('a chain of snapshots: parents, kinds, children', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await base(s, 'one');
  await base(s, 'two', 'one');
  await s.view('v', 'two');
  await at.reopen();
  const again = snapshotter(at);
  expect(await again.stat('two')).toMatchObject({ name: 'two', parent: 'one', kind: 'committed' });
  expect(await again.stat('v')).toMatchObject({ parent: 'two', kind: 'view' });
  await expect(again.remove('one')).rejects.toMatchObject({ kind: 'failed_precondition' });
  await expect(again.prepare('x', 'v')).rejects.toMatchObject({ kind: 'invalid_argument' });
  await expect(again.prepare('x', 'nobody')).rejects.toMatchObject({ kind: 'not_found' });
  await expect(again.commit('x', 'v')).rejects.toMatchObject({ kind: 'failed_precondition' });
  await expect(again.commit('x', 'nobody')).rejects.toMatchObject({ kind: 'not_found' });
  await expect(again.mounts('one')).rejects.toMatchObject({ kind: 'failed_precondition' });
  expect(await names(again.list(['kind==committed,parent==one']), ({ name }) => name)).toEqual(['two']);
  await again.remove('v');
  await again.remove('two');
  await again.remove('one');
  expect(at.snapshotter.snapshots.size).toBe(3);
  await at.metadata.collect();
  expect(at.snapshotter.snapshots.size).toBe(0);
});

test('a commit onto a taken name leaves the active snapshot', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await base(s, 'one');
  await s.prepare('k', '');
  await expect(s.commit('one', 'k')).rejects.toMatchObject({ kind: 'already_exists' });
  expect((await s.stat('k')).kind).toBe('active');
  await expect(s.prepare('k', '')).rejects.toMatchObject({ kind: 'already_exists' });
});

test('a backend is told only the labels meant for it, and its own show through', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  const meant = 'containerd.io/snapshot/diff-id';
  await s.prepare('k', '', { labels: { [meant]: 'd', private: 'p' } });
  const [own = ''] = at.snapshotter.snapshots.keys();
  expect({ ...at.snapshotter.snapshots.get(own)?.labels }).toEqual({ [meant]: 'd' });
  await at.snapshotter.update(own, { theirs: 't' }, ['labels.theirs']);
  expect({ ...(await s.stat('k')).labels }).toEqual({ [meant]: 'd', private: 'p', theirs: 't' });
  await s.update('k', { [meant]: 'e', private: 'q' }, [`labels.${meant}`, 'labels.private']);
  expect({ ...at.snapshotter.snapshots.get(own)?.labels }).toEqual({ [meant]: 'e', theirs: 't' });
  expect({ ...(await s.stat('k')).labels }).toEqual({ [meant]: 'e', private: 'q', theirs: 't' });
  expect(await names(s.list(['labels.private==q']), ({ name }) => name)).toEqual(['k']);
  await expect(s.update('k', {}, ['kind'])).rejects.toMatchObject({ kind: 'invalid_argument' });
});

test('prepare for a snapshot that is here: already_exists, leased, and nothing is prepared', async () => {
  await using at = await Setting.make();
  await at.scope().leases.create({ id: 'l' });
  await base(snapshotter(at), 'chain');
  const leased = snapshotter(at, 'default', 'l');
  const labels = { [LABEL.snapshotRef]: 'chain' };
  await expect(leased.prepare('k', '', { labels })).rejects.toMatchObject({ kind: 'already_exists' });
  expect(await Array.fromAsync(at.scope().leases.resources('l'))).toEqual([
    { type: 'snapshots/memory', id: 'chain' },
  ]);
  expect(at.snapshotter.snapshots.size).toBe(1);
});

test('prepare for a snapshot that the backend has remotely: it is adopted', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await base(s, 'one');
  at.snapshotter.remote.add('chain');
  const labels = { [LABEL.snapshotRef]: 'chain', private: 'p' };
  await expect(s.prepare('k', 'one', { labels })).rejects.toMatchObject({ kind: 'already_exists' });
  expect(await s.stat('chain')).toMatchObject({ kind: 'committed', parent: 'one', labels: { private: 'p' } });
  await expect(s.stat('k')).rejects.toMatchObject({ kind: 'not_found' });
  await expect(s.remove('one')).rejects.toMatchObject({ kind: 'failed_precondition' });
  await s.prepare('on-top', 'chain');
  expect(at.heard.topics.filter((topic) => topic === '/snapshot/prepare')).toHaveLength(2);
});

test('already_exists from a backend that was asked for nothing in particular is not passed on', async () => {
  await using at = await Setting.make();
  at.snapshotter.gate = async () => {
    throw Object.assign(new Error('odd'), { name: 'Fault', kind: 'already_exists' });
  };
  await expect(snapshotter(at).prepare('k', '')).rejects.toMatchObject({ kind: 'unknown' });
  await at.metadata.collect();
  expect(at.snapshotter.snapshots.size).toBe(0);
});

test('what a backend fails to finish is taken back', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  at.snapshotter.gate = () => Promise.reject(new Error('after the fact'));
  await expect(s.prepare('k', '')).rejects.toThrow('after the fact');
  await expect(s.stat('k')).rejects.toMatchObject({ kind: 'not_found' });
  at.snapshotter.gate = () => Promise.resolve();
  await at.metadata.collect();
  expect(at.snapshotter.snapshots.size).toBe(0);
  await s.prepare('k', '');
});

test('a commit that a backend made before it failed is a commit', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await s.prepare('k', '');
  at.snapshotter.gate = () => Promise.reject(new Error('after the fact'));
  await expect(s.commit('one', 'k')).rejects.toThrow('after the fact');
  expect((await s.stat('one')).kind).toBe('committed');
  await expect(s.stat('k')).rejects.toMatchObject({ kind: 'not_found' });
});

test('an unknown snapshotter is refused, and the message lists the known', async () => {
  await using at = await Setting.make();
  const call = () => at.scope().snapshotter('nope');
  expect(call).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
  expect(call).toThrow('there are memory');
});

test('events: prepare, commit and remove, none for a view', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await base(s, 'one');
  await s.view('v', 'one');
  await s.remove('v');
  expect(at.heard.topics).toEqual(['/snapshot/prepare', '/snapshot/commit', '/snapshot/remove']);
});

test('many containers on one parent are prepared side by side', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await base(s, 'one');
  let inside = 0;
  let most = 0;
  at.snapshotter.gate = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, (_, i) => s.prepare(`c${i}`, 'one')));
  expect(most).toBe(8);
});

test('a snapshot without a parent is committed onto one, which the backend knows by another name', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await base(s, 'one');
  const [parent = ''] = at.snapshotter.snapshots.keys();
  await s.prepare('k', '', { labels: { gone: '1' } });
  await s.commit('two', 'k', { parent: 'one', labels: { kept: '1' } });
  expect(await s.stat('two')).toMatchObject({ parent: 'one', kind: 'committed', labels: { kept: '1' } });
  expect([...at.snapshotter.snapshots.values()].map((info) => info.parent)).toEqual(['', parent]);
  await at.reopen();
  const again = snapshotter(at);
  await expect(again.remove('one')).rejects.toMatchObject({ kind: 'failed_precondition' });
  await again.prepare('on-top', 'two');
  await expect(again.commit('x', 'on-top', { parent: 'one' })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  await again.commit('three', 'on-top', { parent: 'two' });
  await again.prepare('alone', '');
  await expect(again.commit('x', 'alone', { parent: 'nobody' })).rejects.toMatchObject({ kind: 'not_found' });
  await expect(again.commit('x', 'alone', { parent: 'alone' })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  expect((await again.stat('alone')).kind).toBe('active');
});

test('what a backend cannot rebase stays active, and its parent free', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await base(s, 'one');
  await s.prepare('k', '');
  at.snapshotter.rebases = false;
  await expect(s.commit('two', 'k', { parent: 'one' })).rejects.toMatchObject({ kind: 'unimplemented' });
  expect((await s.stat('k')).kind).toBe('active');
  await expect(s.stat('two')).rejects.toMatchObject({ kind: 'not_found' });
  await s.remove('one');
});

test('parents, labels of views and commits reach the backend by its own names, and no others', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  const labels = {
    'containerd.io/snapshot/x': 'x',
    [LABEL.snapshotRef]: 'ref',
    'containerd.io/gc.root': 'g',
  };
  const told = { 'containerd.io/snapshot/x': 'x', [LABEL.snapshotRef]: 'ref' };
  await s.prepare('k', '');
  await s.commit('one', 'k', { labels });
  await s.view('v', 'one', { labels });
  const [one, view] = [...at.snapshotter.snapshots.entries()];
  expect([{ ...one?.[1].labels }, { ...view?.[1].labels }]).toEqual([told, told]);
  expect(view?.[1].parent).toBe(one?.[0]);
  expect({ ...(await s.stat('one')).labels }).toEqual(labels);
});

test('times are when the daemon did it, whatever the backend says', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await s.prepare('k', '');
  const before = await s.stat('k');
  for (const [key, info] of at.snapshotter.snapshots)
    at.snapshotter.snapshots.set(key, { ...info, createdAt: new Date(0), updatedAt: new Date(0) });
  expect(await s.stat('k')).toEqual(before);
  const [listed] = await Array.fromAsync(s.list());
  expect(listed).toEqual(before);
  await s.update('k', { l: 'x' });
  const { createdAt, updatedAt } = await s.stat('k');
  expect(createdAt).toEqual(before.createdAt);
  expect(updatedAt.getTime()).toBeGreaterThanOrEqual(before.updatedAt.getTime());
});

test('of what a backend has remotely, only what is committed, on the same parent and of that name is adopted', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await base(s, 'one');
  const labels = { [LABEL.snapshotRef]: 'chain' };
  const on = [...at.snapshotter.snapshots.keys()][0] ?? '';
  const times = { createdAt: new Date(), updatedAt: new Date() };
  for (const [name, kind, parent, ref] of [
    ['active', 'active', on, 'chain'],
    ['elsewhere', 'committed', '', 'chain'],
    ['other', 'committed', on, 'another'],
  ] as const)
    at.snapshotter.snapshots.set(name, {
      name,
      kind,
      parent,
      labels: { [LABEL.snapshotRef]: ref },
      ...times,
    });
  at.snapshotter.gate = async () => {
    throw Object.assign(new Error('here'), { name: 'Fault', kind: 'already_exists' });
  };
  await expect(s.prepare('k', 'one', { labels })).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('chain'),
  });
  await expect(s.stat('chain')).rejects.toMatchObject({ kind: 'not_found' });
});

test('usage and cleanup are the backend’s to answer', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await base(s, 'one');
  expect(await s.usage('one')).toEqual({ sizeBytes: 0n, inodes: 1n });
  await expect(s.usage('nobody')).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('nobody'),
  });
  await expect(s.cleanup()).rejects.toMatchObject({ kind: 'unimplemented' });
});

test('a list leaves out what the backend has lost, and filters by labels of both', async () => {
  await using at = await Setting.make();
  const s = snapshotter(at);
  await base(s, 'one');
  await s.prepare('k', 'one', { labels: { ours: '1' } });
  const keys = [...at.snapshotter.snapshots.keys()];
  await at.snapshotter.update(keys[1] ?? '', { theirs: '2' }, ['labels.theirs']);
  expect(await names(s.list(['labels.ours==1,labels.theirs==2']), ({ name }) => name)).toEqual(['k']);
  expect(await names(s.list(['name~=o', 'kind==active']), ({ name }) => name)).toEqual(['k', 'one']);
  at.snapshotter.snapshots.delete(keys[1] ?? '');
  expect(await names(s.list(), ({ name }) => name)).toEqual(['one']);
  await expect(s.stat('k')).rejects.toMatchObject({ kind: 'not_found' });
});
