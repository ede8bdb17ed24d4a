import { expect, test } from '@jest/globals';
import { ContainerCreateSchema, NamespaceCreateSchema } from '@stowage/api/events';
import { jsonBytes, TYPE_URL, type TypedBytes } from '@stowage/core';
import { eventJson } from '@stowage/events/json';
import { packMessage } from '@stowage/rpc';
import { envelopeFields } from '../src/event-fields.ts';

function field(event: TypedBytes, ...path: string[]): string | undefined {
  return envelopeFields({ timestamp: new Date(), namespace: 'n', topic: '/t', event })(['event', ...path]);
}

test('fields of the payload go by the names of the contract', () => {
  const event = packMessage(ContainerCreateSchema, { id: 'c', runtime: { name: 'runc' } });
  expect(field(event, 'id')).toBe('c');
  expect(field(event, 'image')).toBeUndefined();
  expect(field(event, 'runtime', 'name')).toBe('runc');
  expect(field(event, 'runtime')).toBeUndefined();
  expect(field(event, 'id', 'more')).toBeUndefined();
  expect(field(event)).toBeUndefined();
});

test('a type URL with a slash is the same type', () => {
  const { value } = packMessage(ContainerCreateSchema, { id: 'c' });
  expect(field({ typeUrl: 'type.googleapis.com/containerd.events.ContainerCreate', value }, 'id')).toBe('c');
});

test('label maps: keys with dots, quoted or not, and keys of Object.prototype', () => {
  const labels = { 'a.b/c': '1' };
  const event = packMessage(NamespaceCreateSchema, { name: 'n', labels });
  expect(field(event, 'labels', 'a.b/c')).toBe('1');
  expect(field(event, 'labels', 'a', 'b/c')).toBe('1');
  expect(field(event, 'labels', 'constructor')).toBeUndefined();
  expect(field(event, 'labels', 'toString')).toBeUndefined();
});

test('a payload in JSON', () => {
  const event = jsonBytes(TYPE_URL.spec, { root: { readonly: true }, annotations: { 'a.b': 'c' }, n: 0 });
  expect(field(event, 'root', 'readonly')).toBe('true');
  expect(field(event, 'annotations', 'a', 'b')).toBe('c');
  expect(field(event, 'n')).toBe('0');
  expect(field(event, 'toString')).toBeUndefined();
});

test.each([
  ['a type that nobody knows', { typeUrl: 'acme.Thing', value: Uint8Array.of(1) }],
  [
    'bytes that are no message',
    { typeUrl: 'containerd.events.ContainerCreate', value: Uint8Array.of(255, 255) },
  ],
  ['JSON that is none', { typeUrl: TYPE_URL.spec, value: Buffer.from('{') }],
])('%s has no fields', (_, event) => {
  expect(field(event, 'id')).toBeUndefined();
});

test('what an event carries, as JSON', () => {
  const event = packMessage(ContainerCreateSchema, { id: 'c', image: 'i', runtime: { name: 'runc' } });
  expect(eventJson(event)).toEqual({ id: 'c', image: 'i', runtime: { name: 'runc' } });
  expect(eventJson(jsonBytes(TYPE_URL.spec, { ociVersion: '1' }))).toEqual({ ociVersion: '1' });
});

test.each([
  ['of a type that nobody knows', { typeUrl: 'acme.Thing', value: Uint8Array.of(1) }, 'AQ=='],
  [
    'that are no message',
    { typeUrl: 'containerd.events.ContainerCreate', value: Uint8Array.of(255, 255) },
    '//8=',
  ],
  ['that are no JSON', { typeUrl: TYPE_URL.spec, value: Buffer.from('{') }, 'ew=='],
])('bytes %s are bytes in JSON too', (_, event, base64) => {
  expect(eventJson(event)).toEqual({ base64 });
});
