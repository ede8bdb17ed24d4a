import assert from 'node:assert/strict';
import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import {
  ContainerCreateSchema,
  ContainerDeleteSchema,
  ContainerUpdateSchema,
  ImageCreateSchema,
  ImageDeleteSchema,
  ImageUpdateSchema,
  NamespaceCreateSchema,
  NamespaceDeleteSchema,
  NamespaceUpdateSchema,
} from '@stowage/api/events';
import type { Envelope } from '@stowage/events';
import { unpackMessage } from '@stowage/rpc';
import { hear } from '../hear.ts';
import { kinds } from '../kinds.ts';
import type { Case } from '../subject.ts';
import { newContainer, newSandbox, otherTarget, refused, sandboxesOf, target } from '../support.ts';

type Expected = readonly [topic: string, schema: DescMessage, event: object];

function told(envelopes: readonly Envelope[], namespace: string, expected: readonly Expected[]): void {
  assert.deepEqual(
    envelopes.map(({ topic }) => topic),
    expected.map(([topic]) => topic),
  );
  for (const [i, [, schema, event]] of expected.entries()) {
    const envelope = envelopes[i] as Envelope;
    assert.equal(envelope.namespace, namespace);
    assert.equal(envelope.event.typeUrl, schema.typeName);
    assert.deepEqual(
      toJson(schema, unpackMessage(schema, envelope.event) as MessageShape<DescMessage>),
      event,
    );
    assert.ok(Math.abs(envelope.timestamp.getTime() - Date.now()) < 60_000, 'it is stamped with the time');
  }
}

export const eventCases: readonly Case[] = [
  {
    id: 'events/of-images',
    async run(context) {
      const own = context.namespace();
      const { images } = context.services.scope({ namespace: own });
      const envelopes = await hear(context, own, async () => {
        await images.create({ name: 'a', target, labels: { l: '1' } });
        await images.update({ name: 'a', labels: { l: '2' } }, ['labels.l']);
        await images.update({ name: 'a', target: otherTarget }, ['target']);
        await images.delete('a');
      });
      told(envelopes, own, [
        ['/images/create', ImageCreateSchema, { name: 'a', labels: { l: '1' } }],
        ['/images/update', ImageUpdateSchema, { name: 'a', labels: { l: '2' } }],
        ['/images/update', ImageUpdateSchema, { name: 'a', labels: { l: '2' } }],
        ['/images/delete', ImageDeleteSchema, { name: 'a' }],
      ]);
    },
  },
  {
    id: 'events/of-containers',
    async run(context) {
      const own = context.namespace();
      const { containers } = context.services.scope({ namespace: own });
      const made = newContainer('c', { image: 'i', snapshotter: 'overlayfs', snapshotKey: 'k' });
      const envelopes = await hear(context, own, async () => {
        await containers.create(made);
        await containers.update({ ...made, labels: { l: '1' } }, ['labels.l']);
        await containers.delete('c');
      });
      const runtime = { name: 'io.containerd.runc.v2' };
      told(envelopes, own, [
        ['/containers/create', ContainerCreateSchema, { id: 'c', image: 'i', runtime }],
        [
          '/containers/update',
          ContainerUpdateSchema,
          { id: 'c', image: 'i', labels: { l: '1' }, snapshotKey: 'k' },
        ],
        ['/containers/delete', ContainerDeleteSchema, { id: 'c' }],
      ]);
    },
  },
  {
    id: 'events/of-namespaces',
    async run(context) {
      const { namespaces } = context.services;
      const own = context.namespace();
      const envelopes = await hear(context, own, async () => {
        await namespaces.create({ name: own, labels: { l: '1' } });
        await namespaces.update({ name: own, labels: { m: '2' } });
        await namespaces.delete(own);
      });
      told(envelopes, own, [
        ['/namespaces/create', NamespaceCreateSchema, { name: own, labels: { l: '1' } }],
        ['/namespaces/update', NamespaceUpdateSchema, { name: own, labels: { m: '2' } }],
        ['/namespaces/delete', NamespaceDeleteSchema, { name: own }],
      ]);
    },
  },
  {
    id: 'events/leases-have-none',
    async run(context) {
      const own = context.namespace();
      const { leases } = context.services.scope({ namespace: own });
      const envelopes = await hear(context, own, async () => {
        await leases.create({ id: 'l' });
        await leases.addResource('l', { type: 'ingests', id: 'a' });
        await leases.delete('l');
      });
      told(envelopes, own, []);
    },
  },
  {
    id: 'events/records-of-sandboxes-have-none',
    needs: ['sandboxes'],
    async run(context) {
      const own = context.namespace();
      const sandboxes = sandboxesOf(context.services.scope({ namespace: own }));
      const envelopes = await hear(context, own, async () => {
        await sandboxes.create(newSandbox('pod'));
        await sandboxes.update(newSandbox('pod', { labels: { l: '1' } }), ['labels']);
        await sandboxes.delete('pod');
      });
      told(envelopes, own, []);
    },
  },
  {
    id: 'events/what-was-refused-is-not-told',
    async run(context) {
      const own = context.namespace();
      const at = context.services.scope({ namespace: own });
      const shared = kinds.filter(({ needs = [] }) => needs.length === 0);
      for (const kind of shared) await kind.create(at, 'a');
      const envelopes = await hear(context, own, async () => {
        for (const kind of shared) {
          await refused('already_exists', () => kind.create(at, 'a'));
          await refused('not_found', () => kind.delete(at, 'b'));
          const { editable } = kind;
          if (editable === undefined) continue;
          await refused('not_found', () => editable.update(at, 'b', {}, ['labels']));
          await refused('invalid_argument', () =>
            editable.update(at, 'a', { l: '1' }, ['labels', 'nonsense']),
          );
        }
        await refused('failed_precondition', () => context.services.namespaces.delete(own));
      });
      told(envelopes, own, []);
    },
  },
  {
    id: 'events/come-once-it-is-done',
    async run(context) {
      const { services } = context;
      const own = context.namespace();
      const { images } = services.scope({ namespace: own });
      const stop = new AbortController();
      const heard = services.events.subscribe([`namespace==${own}`], { signal: stop.signal });
      // Whoever hears of an image finds it: each creation is asked for as soon as it is told.
      const seen = (async () => {
        for await (const { event } of heard) {
          const { name } = unpackMessage(ImageCreateSchema, event);
          assert.equal((await images.get(name)).name, name);
          if (name === 'last') return;
        }
      })();
      try {
        for (let n = 0; n < 10; n += 1) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          await images.create({ name: `n${n}`, target, labels: {} });
        }
        await images.create({ name: 'last', target, labels: {} });
        const late = new Promise<void>((_, reject) => {
          setTimeout(() => reject(new Error('the last event did not come')), 20_000).unref();
        });
        await Promise.race([seen, late]);
      } finally {
        stop.abort();
        await seen.catch(() => undefined);
      }
    },
  },
];
