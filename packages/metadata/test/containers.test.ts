import { describe, expect, test } from '@jest/globals';
import type { NewContainer } from '@stowage/containers';
import { inProcess, newContainer, overConnect, type Reach, Setting, spec } from './setting.ts';

describe.each<[string, Reach]>([
  ['in process', inProcess],
  ['over Connect', overConnect],
])('%s', (_, reach) => {
  test('a container keeps its spec and extensions as they are', async () => {
    await using at = await Setting.make({}, reach);
    const { containers } = at.scope();
    const extensions = { __e: { typeUrl: 'example.com/E', value: new Uint8Array([1, 2, 3]) } };
    const options = { typeUrl: 'containerd.runc.v1.Options', value: new Uint8Array([8, 1]) };
    const runtime = { name: 'io.containerd.runc.v2', options };
    await containers.create(
      newContainer('c1', { extensions, runtime, snapshotter: 'memory', snapshotKey: 'k' }),
    );
    await at.reopen();
    const found = await at.scope().containers.get('c1');
    expect(found).toMatchObject({ id: 'c1', spec, runtime, snapshotter: 'memory', snapshotKey: 'k' });
    expect(Buffer.from(found.extensions.__e?.value ?? []).toString('hex')).toBe('010203');
  });

  test('a container update changes what its paths name, and never snapshotter or runtime', async () => {
    await using at = await Setting.make({}, reach);
    const { containers } = at.scope();
    const first = newContainer('c1', { snapshotter: 'memory', snapshotKey: 'k', labels: { a: '1' } });
    await containers.create(first);
    const bare = newContainer('c1', {
      runtime: { name: '' },
      spec: undefined,
      snapshotKey: 'k2',
      labels: { b: '2' },
    });
    expect(await containers.update(bare, ['snapshotkey', 'labels.b'])).toMatchObject({
      snapshotKey: 'k2',
      labels: { a: '1', b: '2' },
      spec,
    });
    await expect(containers.update({ ...first, snapshotter: 'x' })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    await expect(containers.update({ ...first, runtime: { name: 'x' } })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    await expect(containers.update(first, ['snapshot_key'])).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
    expect(await containers.update(first)).toMatchObject({ snapshotKey: 'k', labels: { a: '1' } });
  });

  test.each<[string, Partial<NewContainer>]>([
    ['a bad id', { id: 'a/b' }],
    ['no runtime', { runtime: { name: '' } }],
    ['no spec', { spec: undefined }],
    ['a snapshot key without snapshotter', { snapshotKey: 'k' }],
    ['an extension without key', { extensions: { '': spec } }],
  ])('a container with %s is refused', async (_, more) => {
    await using at = await Setting.make({}, reach);
    await expect(at.scope().containers.create(newContainer('c1', more))).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
  });
});
