import assert from 'node:assert/strict';
import type { Case } from '../subject.ts';
import { extension, fresh, newSandbox, refused, sameBytes, sameMap, sandboxesOf, spec } from '../support.ts';

const options = { typeUrl: 'containerd.runc.v1.Options', value: new Uint8Array([8, 1]) };
const other = { typeUrl: spec.typeUrl, value: Buffer.from('{"hostname":"other"}') };

const whole = newSandbox('pod', {
  labels: { a: '1' },
  runtime: { name: 'io.containerd.runc.v2', options },
  extensions: { 'a.b/c': extension, kept: extension },
});

const cases: readonly Case[] = [
  {
    id: 'sandboxes/keep-what-they-are-made-of',
    async run(context) {
      const sandboxes = sandboxesOf(fresh(context));
      for (const found of [await sandboxes.create(whole), await sandboxes.get('pod')]) {
        assert.equal(found.sandboxer, 'shim');
        assert.equal(found.runtime.name, 'io.containerd.runc.v2');
        sameBytes(found.runtime.options, options);
        sameBytes(found.spec, spec);
        assert.deepEqual(Object.keys(found.extensions).sort(), ['a.b/c', 'kept']);
        sameBytes(found.extensions.kept, extension);
        sameMap(found.labels, { a: '1' });
      }
    },
  },
  {
    id: 'sandboxes/need-no-more-than-an-id',
    async run(context) {
      const sandboxes = sandboxesOf(fresh(context));
      await sandboxes.create({
        id: 'bare',
        labels: {},
        runtime: { name: '' },
        spec: undefined,
        extensions: {},
        sandboxer: '',
      });
      const { runtime, spec: none, extensions, sandboxer } = await sandboxes.get('bare');
      assert.equal(runtime.name, '');
      assert.equal(none, undefined);
      assert.deepEqual(Object.keys(extensions), []);
      assert.equal(sandboxer, '');
    },
  },
  {
    id: 'sandboxes/a-mask-changes-what-it-names-and-no-more',
    async run(context) {
      const sandboxes = sandboxesOf(fresh(context));
      await sandboxes.create(whole);
      const change = newSandbox('pod', {
        labels: { b: '2' },
        runtime: { name: 'other' },
        spec: other,
        extensions: { x: extension },
        sandboxer: 'podsandbox',
      });
      sameBytes((await sandboxes.update(change, ['spec'])).spec, other);
      const after = await sandboxes.get('pod');
      assert.equal(after.runtime.name, 'io.containerd.runc.v2');
      sameMap(after.labels, { a: '1' });
      assert.deepEqual(Object.keys(after.extensions).sort(), ['a.b/c', 'kept']);
      const renamed = await sandboxes.update(change, ['runtime']);
      assert.equal(renamed.runtime.name, 'other');
      assert.equal(renamed.runtime.options, undefined);
      assert.equal(renamed.sandboxer, 'shim');
      for (const path of ['sandboxer', 'sandbox_id', 'runtime.name', 'created_at'])
        await refused('invalid_argument', () => sandboxes.update(change, [path]));
    },
  },
  {
    id: 'sandboxes/an-extension-has-a-mask-of-its-own',
    async run(context) {
      const sandboxes = sandboxesOf(fresh(context));
      await sandboxes.create(whole);
      const next = { typeUrl: 'example.org/Other', value: new Uint8Array([7]) };
      const change = newSandbox('pod', { extensions: { 'a.b/c': next, unnamed: next } });
      const { extensions } = await sandboxes.update(change, ['extensions.a.b/c']);
      assert.deepEqual(Object.keys(extensions).sort(), ['a.b/c', 'kept']);
      sameBytes(extensions['a.b/c'], next);
      sameBytes((await sandboxes.get('pod')).extensions.kept, extension);
    },
  },
  {
    id: 'sandboxes/an-extension-is-deleted-by-a-missing-value',
    async run(context) {
      const sandboxes = sandboxesOf(fresh(context));
      await sandboxes.create(whole);
      await sandboxes.update(newSandbox('pod'), ['extensions.kept']);
      assert.deepEqual(Object.keys((await sandboxes.get('pod')).extensions), ['a.b/c']);
      await sandboxes.update(newSandbox('pod', { extensions: { x: extension } }), ['extensions']);
      assert.deepEqual(Object.keys((await sandboxes.get('pod')).extensions), ['x']);
    },
  },
  {
    id: 'sandboxes/an-extension-has-a-name',
    async run(context) {
      const sandboxes = sandboxesOf(fresh(context));
      const nameless = newSandbox('pod', { extensions: { '': extension } });
      await refused('invalid_argument', () => sandboxes.create(nameless));
      await sandboxes.create(whole);
      await refused('invalid_argument', () => sandboxes.update(nameless, ['extensions']));
    },
  },
  {
    id: 'sandboxes/without-a-mask-the-runtime-must-be-the-same',
    async run(context) {
      const sandboxes = sandboxesOf(fresh(context));
      await sandboxes.create(whole);
      const elsewhere = newSandbox('pod', { runtime: { name: 'other' } });
      await refused('invalid_argument', () => sandboxes.update(elsewhere));
      sameMap((await sandboxes.get('pod')).labels, { a: '1' });
      const change = newSandbox('pod', { labels: { b: '2' }, spec: undefined, sandboxer: 'podsandbox' });
      const { labels, spec: now, sandboxer } = await sandboxes.update(change);
      sameMap(labels, { b: '2' });
      assert.equal(now, undefined);
      assert.equal(sandboxer, 'shim');
    },
  },
];

export const sandboxCases: readonly Case[] = cases.map((one) => ({ ...one, needs: ['sandboxes'] }));
