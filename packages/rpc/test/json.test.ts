import { create, equals, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { AnySchema, EmptySchema, FieldMaskSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from '@jest/globals';
import { MetricsSchema } from '@stowage/api/cgroups/v2';
import { ContainerSchema, GetContainerResponseSchema } from '@stowage/api/containers/v1';
import { TaskExitSchema } from '@stowage/api/events';
import { UpdateImageRequestSchema } from '@stowage/api/images/v1';
import { registry } from '@stowage/api/registry';
import { OptionsSchema } from '@stowage/api/runc/v1';
import { EnvelopeSchema } from '@stowage/api/types';
import { TYPE_URL } from '@stowage/core';
import fc from 'fast-check';
import { messageFromJsonString, messageToJson, messageToJsonString } from '../src/json.ts';

const text = (value: string) => new TextEncoder().encode(value);
const SPEC =
  '{"ociVersion":"1.2.0","process":{"rlimits":[{"hard":18446744073709551615,"soft":1.5e3}]},"__proto__":1}';

test('an Any of JSON is that JSON, digit for digit, both ways', () => {
  const any = create(AnySchema, { typeUrl: TYPE_URL.spec, value: text(SPEC) });
  const json = messageToJsonString(AnySchema, any);
  expect(json).toBe(`{"@type":"${TYPE_URL.spec}","value":${SPEC.replace('1.5e3', '1500')}}`);
  const back = messageFromJsonString(AnySchema, json);
  expect(new TextDecoder().decode(back.value)).toBe(SPEC.replace('1.5e3', '1500'));
});

test.each([
  ['bare name', 'containerd.runc.v1.Options'],
  ['URL', 'type.googleapis.com/containerd.runc.v1.Options'],
])('an Any of a known message is its fields (%s)', (_, typeUrl) => {
  const options = create(OptionsSchema, { binaryName: 'crun', systemdCgroup: true });
  const any = create(AnySchema, { typeUrl, value: toBinary(OptionsSchema, options) });
  const json = messageToJsonString(AnySchema, any);
  expect(JSON.parse(json)).toEqual({ '@type': typeUrl, binaryName: 'crun', systemdCgroup: true });
  expect(messageFromJsonString(AnySchema, json)).toEqual(any);
});

test.each([
  ['unknown type', { typeUrl: 'example.com/nobody.Knows', value: new Uint8Array([1, 2, 255]) }, 'value'],
  ['no type', { typeUrl: '', value: new Uint8Array([7]) }, 'value'],
  ['JSON that is none', { typeUrl: TYPE_URL.spec, value: text('{') }, '@base64'],
  [
    'JSON that is not UTF-8',
    { typeUrl: TYPE_URL.spec, value: new Uint8Array([0x22, 0xff, 0x22]) },
    '@base64',
  ],
  ['bytes that are no message', { typeUrl: OptionsSchema.typeName, value: new Uint8Array([255]) }, '@base64'],
  [
    'JSON too deep to write',
    { typeUrl: TYPE_URL.spec, value: text('['.repeat(1e5) + ']'.repeat(1e5)) },
    '@base64',
  ],
])('an Any that has no form of its own keeps its bytes (%s)', (_, init, key) => {
  const any = create(AnySchema, init);
  const json = messageToJsonString(AnySchema, any);
  expect(Object.keys(JSON.parse(json))).toEqual(['@type', key]);
  expect(messageFromJsonString(AnySchema, json)).toEqual(any);
});

test('Anys nest, and are empty, and hold well-known types', () => {
  const mask = create(AnySchema, {
    typeUrl: 'google.protobuf.FieldMask',
    value: toBinary(FieldMaskSchema, create(FieldMaskSchema, { paths: ['labels.fooBar'] })),
  });
  let any = mask;
  for (let i = 0; i < 200; i++) {
    any = create(AnySchema, { typeUrl: 'google.protobuf.Any', value: toBinary(AnySchema, any) });
  }
  expect(messageFromJsonString(AnySchema, messageToJsonString(AnySchema, mask))).toEqual(mask);
  expect(messageFromJsonString(AnySchema, messageToJsonString(AnySchema, any))).toEqual(any);
  expect(messageFromJsonString(AnySchema, messageToJsonString(AnySchema, create(AnySchema)))).toEqual(
    create(AnySchema),
  );
  const empty = create(AnySchema, { typeUrl: EmptySchema.typeName });
  expect(messageFromJsonString(AnySchema, messageToJsonString(AnySchema, empty))).toEqual(empty);
});

test('field mask paths are carried as they are', () => {
  const request = create(UpdateImageRequestSchema, {
    image: { name: 'a', labels: { fooBar: 'x', foo_bar: 'y' } },
    updateMask: { paths: ['labels.fooBar', 'labels.foo_bar', 'labels.a.b/c-D'] },
  });
  const json = messageToJsonString(UpdateImageRequestSchema, request);
  expect(JSON.parse(json).updateMask).toBe('labels.fooBar,labels.foo_bar,labels.a.b/c-D');
  expect(messageFromJsonString(UpdateImageRequestSchema, json)).toEqual(request);
  const odd = '{"update_mask": {"paths": ["labels.a,b"]}}';
  expect(messageFromJsonString(UpdateImageRequestSchema, odd).updateMask?.paths).toEqual(['labels.a,b']);
});

test('a time that has no calendar form does not fail the rest', () => {
  const envelope = create(EnvelopeSchema, {
    topic: '/x',
    timestamp: create(TimestampSchema, { seconds: 2n ** 60n }),
  });
  expect(messageToJson(EnvelopeSchema, envelope)).toEqual({ topic: '/x', timestamp: null });
});

test('keys such as __proto__ are keys like any other', () => {
  const json =
    '{"labels":{"__proto__":"a","constructor":"b"},"extensions":{"__proto__":{"@type":"x/y","value":"AQ=="}}}';
  const container = messageFromJsonString(ContainerSchema, json);
  expect(Object.entries(container.labels)).toEqual([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
  expect(
    messageToJsonString(ContainerSchema, fromBinary(ContainerSchema, toBinary(ContainerSchema, container))),
  ).toBe(json);
});

test('numbers come as JSON numbers or strings, of any length', () => {
  const json = '{"memory":{"usage":18446744073709551615,"anon":"7"},"pids":{"current":3}}';
  const metrics = messageFromJsonString(MetricsSchema, json);
  expect([metrics.memory?.usage, metrics.memory?.anon, metrics.pids?.current]).toEqual([
    2n ** 64n - 1n,
    7n,
    3n,
  ]);
});

test.each([
  ['not JSON', '{', 'read containerd.services.images.v1.UpdateImageRequest from JSON'],
  ['not an object', '[]', 'expected an object'],
  ['a wrong scalar', '{"image":{"name":7}}', 'image: '],
  ['a wrong list', '{"image":{"target":[]}}', 'image: target: '],
  ['a mask that is none', '{"updateMask":7}', 'updateMask: '],
  ['too deep', `${'{"@type":"google.protobuf.Any","value":'.repeat(300)}{}${'}'.repeat(300)}`, ''],
])('what can not be read is refused and says where (%s)', (_, json, where) => {
  const schema = json.startsWith('{"@type') ? AnySchema : UpdateImageRequestSchema;
  expect(() => messageFromJsonString(schema, json)).toThrow(
    expect.objectContaining({ kind: 'invalid_argument', message: expect.stringContaining(where) }),
  );
});

test('where ProtoJSON has a form, this is that form', () => {
  const exit = create(TaskExitSchema, {
    containerId: 'c',
    pid: 5,
    exitedAt: { seconds: 1n, nanos: 5_000_000 },
  });
  expect(messageToJson(TaskExitSchema, exit)).toEqual(toJson(TaskExitSchema, exit));
  const metrics = create(MetricsSchema, { memory: { anon: 2n ** 63n }, cpu: { usageUsec: 1n } });
  expect(messageToJson(MetricsSchema, metrics)).toEqual(toJson(MetricsSchema, metrics, { registry }));
});

test('any container survives', () => {
  const label = fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string({ unit: 'grapheme' }));
  const any = fc.record({
    typeUrl: fc.constantFrom(
      '',
      'a/b',
      OptionsSchema.typeName,
      TYPE_URL.spec,
      'google.protobuf.Empty',
      AnySchema.typeName,
    ),
    value: fc.oneof(fc.uint8Array(), fc.constant(text('{"a":[1]}'))),
  });
  fc.assert(
    fc.property(
      label,
      any,
      fc.dictionary(fc.string({ unit: 'grapheme' }), any),
      (labels, spec, extensions) => {
        const wire = create(GetContainerResponseSchema, {
          container: { id: 'x', labels, spec, extensions, createdAt: { seconds: 5n } },
        });
        const back = messageFromJsonString(
          GetContainerResponseSchema,
          messageToJsonString(GetContainerResponseSchema, wire),
        );
        const plain = (a: { value: Uint8Array; typeUrl: string } | undefined) =>
          messageToJsonString(AnySchema, create(AnySchema, a));
        // Bytes of a known message may be encoded anew, so compare what they say.
        expect(plain(back.container?.spec)).toBe(plain(wire.container?.spec));
        for (const [key, value] of Object.entries(extensions))
          expect(plain(back.container?.extensions[key])).toBe(plain(create(AnySchema, value)));
        const rest = (m: typeof wire) =>
          create(GetContainerResponseSchema, {
            container: { ...m.container, spec: undefined, extensions: {} } as never,
          });
        expect(equals(GetContainerResponseSchema, rest(back), rest(wire))).toBe(true);
      },
    ),
  );
});
