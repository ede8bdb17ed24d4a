import { expect, test } from '@jest/globals';
import type { Snapshotter } from '@stowage/snapshots';
import { MemorySnapshotter } from './memory-snapshotter.ts';
import { newContainer, Setting } from './setting.ts';

const NAME = 'late';

/** Metadata over snapshotters that can be put and taken while it is open. */
async function setting(): Promise<{
  at: Setting;
  backends: Map<string, Snapshotter>;
  late: MemorySnapshotter;
}> {
  const late = new MemorySnapshotter();
  const backends = new Map<string, Snapshotter>([
    ['memory', new MemorySnapshotter()],
    [NAME, late],
  ]);
  return { at: await Setting.make({ snapshotters: backends }), backends, late };
}

test('a snapshotter that comes later is one like others, for garbage collection too', async () => {
  const { at: made, backends, late } = await setting();
  await using at = made;
  backends.delete(NAME);
  expect(at.metadata.snapshotters).toEqual(['memory']);
  expect(() => at.scope().snapshotter(NAME)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
  backends.set(NAME, late);
  expect(at.metadata.snapshotters).toEqual(['memory', NAME]);
  await at.scope().snapshotter(NAME).prepare('k', '');
  expect(late.snapshots.size).toBe(1);
  await at.metadata.collect();
  expect(late.snapshots.size).toBe(0);
});

test('it is not taken away while there are snapshots or containers of it, and it is said where', async () => {
  const { at: made } = await setting();
  await using at = made;
  const blue = at.scope('blue').snapshotter(NAME);
  await blue.prepare('a', '');
  await blue.commit('b', 'a');
  await blue.prepare('c', 'b');
  await at.scope('blue').snapshotter('memory').prepare('other', '');
  await at.scope('green').snapshotter(NAME).view('v', '');
  const used = { snapshotter: NAME, snapshotKey: 'v' };
  await at.scope('green').containers.create(newContainer('one', used));
  await at.scope('red').containers.create(newContainer('two', { snapshotter: 'memory', snapshotKey: 'x' }));
  let taken = 0;
  const take = async () => {
    taken += 1;
  };
  await expect(at.metadata.withdraw(NAME, take)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message:
      'snapshotter "late" is in use: 2 snapshots in namespace blue; 1 snapshot and 1 container in namespace green',
  });
  await blue.remove('c');
  await blue.remove('b');
  await at.scope('green').snapshotter(NAME).remove('v');
  await expect(at.metadata.withdraw(NAME, take)).rejects.toMatchObject({
    message: 'snapshotter "late" is in use: 1 container in namespace green',
  });
  expect(taken).toBe(0);
  await at.scope('green').containers.delete('one');
  await at.metadata.withdraw(NAME, take);
  expect(taken).toBe(1);
});

test('a snapshot that is being made keeps it; one that is asked for meanwhile is refused once it is gone', async () => {
  const { at: made, backends, late } = await setting();
  await using at = made;
  const s = at.scope().snapshotter(NAME);
  const entered = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  late.gate = () => {
    entered.resolve();
    return goOn.promise;
  };
  const making = s.prepare('slow', '');
  await entered.promise;
  const refused = at.metadata.withdraw(NAME, async () => backends.delete(NAME));
  goOn.resolve();
  await making;
  await expect(refused).rejects.toMatchObject({ kind: 'failed_precondition' });
  await s.remove('slow');

  const taking = Promise.withResolvers<void>();
  const withdrawn = at.metadata.withdraw(NAME, async () => {
    await taking.promise;
    backends.delete(NAME);
  });
  const asked = s.prepare('late', '');
  taking.resolve();
  await withdrawn;
  await expect(asked).rejects.toMatchObject({ kind: 'invalid_argument' });
  expect([...late.snapshots.values()].map(({ name }) => name)).not.toContainEqual(
    expect.stringMatching(/late$/),
  );
});

test('what was left to be deleted in it is, once it is here again', async () => {
  const { at: made, backends, late } = await setting();
  await using at = made;
  const s = at.scope().snapshotter(NAME);
  await s.prepare('k', '');
  await s.remove('k');
  await at.metadata.withdraw(NAME, async () => backends.delete(NAME));
  await at.metadata.collect();
  expect(late.snapshots.size).toBe(1);
  backends.set(NAME, late);
  await at.metadata.collect();
  expect(late.snapshots.size).toBe(0);
});

test('what is in a snapshotter and of nobody here is told before it is taken in', async () => {
  const { at: made, backends, late } = await setting();
  await using at = made;
  const s = at.scope().snapshotter(NAME);
  await s.prepare('recorded', '');
  await s.prepare('garbage', '');
  await s.remove('garbage');
  await late.prepare('of no form of ours', '');
  backends.delete(NAME);
  expect(await at.metadata.unknownSnapshots(NAME, late)).toBeUndefined();
  const [first] = late.snapshots.keys();
  expect(await at.metadata.unknownSnapshots('other', late)).toEqual({ count: 2, first });
  await late.prepare('default/999/x', '');
  expect(await at.metadata.unknownSnapshots(NAME, late)).toEqual({ count: 1, first: 'default/999/x' });
});
