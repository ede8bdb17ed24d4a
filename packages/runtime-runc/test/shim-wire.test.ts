import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from '@jest/globals';
import { BootstrapParamsSchema, BootstrapResultSchema, LogLevel } from '@stowage/api/runtime/bootstrap/v1';
import fc from 'fast-check';
import { encodeAnswer, parseBootstrap } from '../src/shim/bootstrap.ts';
import { readFields, writeFields } from '../src/shim/fields.ts';
import { parseFlags } from '../src/shim/flags.ts';
import { shimState } from '../src/shim/place.ts';

// What `start` reads and writes by hand, against the protobuf library.

test('the parameters of containerd 2.3 are read, whatever else they hold', () => {
  const text = fc.string({ maxLength: 300 });
  fc.assert(
    fc.property(
      text,
      text,
      fc.string({ minLength: 1 }),
      fc.option(text),
      (id, namespace, containerd, dir) => {
        const params = create(BootstrapParamsSchema, {
          ...{ instanceId: id, namespace, logLevel: LogLevel.DEBUG, containerdVersion: 'v2.3.0' },
          ...{ containerdTtrpcAddress: containerd, containerdGrpcAddress: '/run/c.sock' },
          extensions: [{ value: { typeUrl: 'x', value: new Uint8Array(200) } }],
          ...(dir !== null && { socketDir: dir }),
        });
        const seen = parseBootstrap(toBinary(BootstrapParamsSchema, params));
        const sent = fromBinary(BootstrapParamsSchema, toBinary(BootstrapParamsSchema, params));
        expect(seen).toEqual({
          id: sent.instanceId,
          namespace: sent.namespace,
          containerd: sent.containerdTtrpcAddress,
        });
      },
    ),
  );
});

test('the options that earlier ones write, and nothing, are no parameters', () => {
  const options = create(AnySchema, { typeUrl: 'containerd.runc.v1.Options', value: new Uint8Array(300) });
  expect(parseBootstrap(toBinary(AnySchema, options))).toBeUndefined();
  expect(parseBootstrap(new Uint8Array())).toBeUndefined();
});

test('bytes that are no message are never taken for one, and end the reading', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const fields = readFields(bytes);
      for (const value of fields?.values() ?? [])
        if (typeof value !== 'number') expect(value.length).toBeLessThan(60);
    }),
  );
  expect(readFields(Buffer.from([0x0a, 0x05, 0x01]))).toBeUndefined();
  expect(readFields(Buffer.from([0x0b]))).toBeUndefined();
  expect(readFields(Buffer.from([0xff, 0xff]))).toBeUndefined();
});

test('what is written is read by the library and here', () => {
  const address = `unix:///${'x'.repeat(150)}`;
  const result = fromBinary(BootstrapResultSchema, encodeAnswer('protobuf', address));
  expect(result).toMatchObject({ version: 3, address, protocol: 'ttrpc' });
  expect(JSON.parse(Buffer.from(encodeAnswer('json', address)).toString())).toEqual({
    ...{ version: 3, address, protocol: 'ttrpc' },
  });
  expect(Buffer.from(encodeAnswer('address', address)).toString()).toBe(address);
  const fields = readFields(writeFields({ 1: 'text', 2: 7, 15: new Uint8Array([1, 2]) }));
  expect([...(fields ?? [])].map(([n, v]) => [n, typeof v === 'number' ? v : [...v]])).toEqual([
    [1, [...Buffer.from('text')]],
    [2, 7],
    [15, [1, 2]],
  ]);
});

test('flags are read as Go reads them', () => {
  const args = [
    '-namespace',
    'blue',
    '--id=c1',
    '-address',
    '/c.sock',
    '-publish-binary',
    '/bin/c',
    '-debug',
  ];
  expect(parseFlags([...args, '-bundle', '/b', 'delete'])).toEqual({
    ...{ namespace: 'blue', id: 'c1', address: '/c.sock', bundle: '/b', command: 'delete' },
    ...{ version: false, info: false, help: false },
  });
  expect(parseFlags(['-v'])).toMatchObject({ version: true, command: '' });
  expect(parseFlags(['-v=false', 'start'])).toMatchObject({ version: false, command: 'start' });
  expect(() => parseFlags(['-namespace'])).toThrow(/-namespace: needs a value/);
  expect(() => parseFlags(['-colour', 'red', 'start'])).toThrow(/-colour/);
});

test('each containerd has a state directory of its own', () => {
  const state = shimState('/run/containerd/containerd.sock.ttrpc', {});
  expect(state).toMatch(/^\/run\/stowage-shim\/[0-9a-f]{12}$/);
  expect(shimState('/run/other.ttrpc', {})).not.toBe(state);
  expect(shimState('/run/other.ttrpc', { STOWAGE_SHIM_STATE: '/x' })).toMatch(/^\/x\//);
});
