import { expect, test } from '@jest/globals';
import { isJsonType, jsonBytes, TYPE_URL } from '../src/index.ts';

test('the type URL tells JSON from protobuf', () => {
  expect(Object.values(TYPE_URL).every(isJsonType)).toBe(true);
  expect(isJsonType('containerd.runc.v1.Options')).toBe(false);
  expect(isJsonType('type.googleapis.com/containerd.runc.v1.Options')).toBe(false);
});

test('jsonBytes writes UTF-8', () => {
  const { typeUrl, value } = jsonBytes(TYPE_URL.process, { args: ['é'] });
  expect(typeUrl).toBe('types.containerd.io/opencontainers/runtime-spec/1/Process');
  expect(Buffer.from(value).toString()).toBe('{"args":["é"]}');
});
