import assert from 'node:assert/strict';
import type { NewContainer } from '@stowage/containers';
import type { Case } from '../subject.ts';
import {
  collect,
  extension,
  fresh,
  mapOf,
  newContainer,
  refused,
  sameBytes,
  sameMap,
  spec,
} from '../support.ts';

const other = { typeUrl: spec.typeUrl, value: Buffer.from('{"ociVersion":"1.1.0"}') };
const options = { typeUrl: 'containerd.runc.v1.Options', value: new Uint8Array([8, 1]) };

const whole = newContainer('c', {
  labels: { a: '1' },
  image: 'docker.io/library/busybox:latest',
  runtime: { name: 'io.containerd.runc.v2', options },
  snapshotter: 'overlayfs',
  snapshotKey: 'c-rootfs',
  extensions: mapOf([
    ['a.b/c', extension],
    ['__proto__', extension],
  ]),
});

/** Everything that a mask may name, changed; id, snapshotter and runtime as they are. */
const changed = newContainer('c', {
  labels: { b: '2' },
  image: 'other',
  spec: other,
  snapshotter: 'overlayfs',
  snapshotKey: 'other-rootfs',
  extensions: { x: extension },
});

export const containerCases: readonly Case[] = [
  {
    id: 'containers/keep-what-they-are-made-of',
    async run(context) {
      const { containers } = fresh(context);
      for (const found of [await containers.create(whole), await containers.get('c')]) {
        const { image, snapshotter, snapshotKey, runtime, extensions } = found;
        assert.deepEqual(
          { image, snapshotter, snapshotKey, runtime: runtime.name },
          {
            image: whole.image,
            snapshotter: 'overlayfs',
            snapshotKey: 'c-rootfs',
            runtime: 'io.containerd.runc.v2',
          },
        );
        sameBytes(found.spec, spec);
        sameBytes(runtime.options, options);
        assert.deepEqual(Object.keys(extensions).sort(), ['__proto__', 'a.b/c']);
        sameBytes(extensions['a.b/c'], extension);
      }
    },
  },
  {
    id: 'containers/name-the-sandbox-that-they-belong-to',
    async run(context) {
      const { containers } = fresh(context);
      await containers.create(newContainer('c', { sandboxId: 'pod-1' }));
      assert.equal((await containers.get('c')).sandboxId, 'pod-1');
      await containers.update(newContainer('c', { sandboxId: 'pod-2', labels: { a: '1' } }));
      assert.equal((await containers.get('c')).sandboxId, 'pod-1');
    },
  },
  {
    id: 'containers/need-runtime-spec-and-snapshotter',
    async run(context) {
      const { containers } = fresh(context);
      const bad: ReadonlyArray<Partial<NewContainer>> = [
        { runtime: { name: '' } },
        { spec: undefined },
        { snapshotKey: 'k' },
        { extensions: { '': extension } },
      ];
      for (const more of bad)
        await refused('invalid_argument', () => containers.create(newContainer('c', more)));
      assert.deepEqual(await collect(containers.list()), []);
      await containers.create(newContainer('c'));
      const remade: ReadonlyArray<readonly [Partial<NewContainer>, string]> = [
        [{ spec: undefined }, 'spec'],
        [{ snapshotKey: 'k' }, 'snapshotkey'],
        [{ extensions: { '': extension } }, 'extensions'],
      ];
      for (const [more, path] of remade)
        await refused('invalid_argument', () => containers.update(newContainer('c', more), [path]));
      await refused('invalid_argument', () => containers.update(newContainer(''), ['labels']));
    },
  },
  {
    id: 'containers/a-mask-changes-what-it-names-and-no-more',
    async run(context) {
      const { containers } = fresh(context);
      await containers.create(whole);
      const one = (path: string) => containers.update(changed, [path]);
      assert.equal((await one('image')).image, 'other');
      assert.equal((await containers.get('c')).snapshotKey, 'c-rootfs');
      assert.equal((await one('snapshotkey')).snapshotKey, 'other-rootfs');
      sameBytes((await containers.get('c')).spec, spec);
      sameBytes((await one('spec')).spec, other);
      sameMap((await containers.get('c')).labels, { a: '1' });
      const { runtime, snapshotter } = await containers.get('c');
      sameBytes(runtime.options, options);
      assert.equal(snapshotter, 'overlayfs');
    },
  },
  {
    id: 'containers/an-extension-has-a-mask-of-its-own',
    async run(context) {
      const { containers } = fresh(context);
      await containers.create(whole);
      const next = { typeUrl: 'example.org/Other', value: new Uint8Array([7]) };
      const change = newContainer('c', { extensions: { 'a.b/c': next, unnamed: next } });
      const { extensions } = await containers.update(change, ['extensions.a.b/c']);
      assert.deepEqual(Object.keys(extensions).sort(), ['__proto__', 'a.b/c']);
      sameBytes(extensions['a.b/c'], next);
    },
  },
  {
    id: 'containers/an-extension-is-deleted-by-a-missing-value',
    async run(context) {
      const { containers } = fresh(context);
      await containers.create(whole);
      await containers.update(newContainer('c'), ['extensions.a.b/c']);
      assert.deepEqual(Object.keys((await containers.get('c')).extensions), ['__proto__']);
      await containers.update(changed, ['extensions']);
      assert.deepEqual(Object.keys((await containers.get('c')).extensions), ['x']);
    },
  },
  {
    id: 'containers/the-mask-of-a-snapshot-key-is-in-lower-case',
    async run(context) {
      const { containers } = fresh(context);
      await containers.create(whole);
      for (const path of ['snapshot_key', 'snapshotKey', 'snapshotter', 'runtime', 'runtime.name', 'sandbox'])
        await refused('invalid_argument', () => containers.update(changed, [path]));
      assert.equal((await containers.get('c')).snapshotKey, 'c-rootfs');
    },
  },
  {
    id: 'containers/without-a-mask-snapshotter-and-runtime-must-be-the-same',
    async run(context) {
      const { containers } = fresh(context);
      await containers.create(whole);
      await refused('invalid_argument', () => containers.update({ ...changed, snapshotter: 'native' }));
      await refused('invalid_argument', () => containers.update({ ...changed, snapshotter: '' }));
      await refused('invalid_argument', () => containers.update({ ...changed, runtime: { name: 'other' } }));
      sameMap((await containers.get('c')).labels, { a: '1' });
      const { image, snapshotKey, labels, spec: now } = await containers.update(changed);
      assert.deepEqual({ image, snapshotKey }, { image: 'other', snapshotKey: 'other-rootfs' });
      sameMap(labels, { b: '2' });
      sameBytes(now, other);
    },
  },
  {
    id: 'containers/more-than-one-message-of-them-are-listed',
    async run(context) {
      const { containers } = fresh(context);
      const large = { typeUrl: spec.typeUrl, value: Buffer.from(JSON.stringify('x'.repeat(3_000_000))) };
      const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
      for (const id of ids) await containers.create(newContainer(id, { spec: large }));
      const found: string[] = [];
      for await (const one of containers.list()) {
        assert.equal(one.spec?.value.byteLength, large.value.byteLength);
        found.push(one.id);
      }
      assert.deepEqual(found, ids);
      for (const id of ids) await containers.delete(id);
    },
  },
];
