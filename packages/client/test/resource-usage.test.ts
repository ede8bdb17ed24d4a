import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { MetricsSchema as V1 } from '@stowage/api/cgroups/v1';
import { MetricsSchema as V2 } from '@stowage/api/cgroups/v2';
import { resourceUsage } from '../src/resource-usage.ts';

const timestamp = new Date(0);

function usageOf<M extends DescMessage>(schema: M, init: MessageInitShape<M>) {
  const value = toBinary(schema, create(schema, init));
  return resourceUsage({ id: 'c', timestamp, data: { typeUrl: schema.typeName, value } });
}

const MAX = 0xffff_ffff_ffff_ffffn;

test('control groups of version 1', () => {
  const entry = (op: string, value: bigint) => ({ op, value });
  const usage = usageOf(V1, {
    cpu: { usage: { total: 5n } },
    memory: { usage: { usage: 100n, limit: 1n << 40n }, totalInactiveFile: 30n },
    blkio: {
      ioServiceBytesRecursive: [entry('Read', 1n), entry('Write', 2n), entry('Sync', 9n), entry('Read', 4n)],
    },
    pids: { current: 3n, limit: 0n },
  });
  expect(usage).toEqual({
    at: timestamp,
    ...{ cpuNs: 5n, memoryBytes: 70n, memoryLimitBytes: 1n << 40n, readBytes: 5n, writtenBytes: 2n },
    ...{ pids: 3n, pidsLimit: undefined },
  });
});

test('control groups of version 2', () => {
  const usage = usageOf(V2, {
    cpu: { usageUsec: 5n },
    memory: { usage: 100n, usageLimit: MAX, inactiveFile: 200n },
    io: { usage: [{ rbytes: 1n, wbytes: 2n }, { rbytes: 4n }] },
    pids: { current: 3n, limit: 10n },
  });
  expect(usage).toEqual({
    at: timestamp,
    ...{ cpuNs: 5000n, memoryBytes: 100n, memoryLimitBytes: undefined, readBytes: 5n, writtenBytes: 2n },
    ...{ pids: 3n, pidsLimit: 10n },
  });
});

test('what a control group does not count is 0, and no limit is none', () => {
  const nothing = {
    cpuNs: 0n,
    memoryBytes: 0n,
    memoryLimitBytes: undefined,
    readBytes: 0n,
    writtenBytes: 0n,
  };
  expect(usageOf(V1, {})).toMatchObject(nothing);
  expect(usageOf(V2, {})).toMatchObject(nothing);
  const data = { typeUrl: 'type.googleapis.com/io.example.Metrics', value: new Uint8Array() };
  expect(() => resourceUsage({ id: 'c', timestamp, data })).toThrow('io.example.Metrics');
});
