import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type MessageShape,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { anyPack, anyUnpack, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { expect, test } from '@jest/globals';
import { MemoryStatSchema } from '../src/cgroups/v2.ts';
import { WriteAction, WriteContentRequestSchema, WriteContentResponseSchema } from '../src/content/v1.ts';
import { ContainerCreateSchema, TaskExitSchema } from '../src/events.ts';
import { DeleteImageRequestSchema } from '../src/images/v1.ts';
import { registry } from '../src/registry.ts';
import { BootstrapParamsSchema, LogLevel } from '../src/runtime/bootstrap/v1.ts';
import { RequestSchema, ResponseSchema } from '../src/ttrpc.ts';
import { EnvelopeSchema, SandboxSchema } from '../src/types.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What arrives is what was sent, and the bytes of it do not depend on who writes them. */
function roundTrip<D extends DescMessage>(schema: D, message: MessageShape<D>): MessageShape<D> {
  const bytes = toBinary(schema, message);
  const back = fromBinary(schema, bytes);
  expect(back).toEqual(message);
  expect(hex(toBinary(schema, back))).toBe(hex(bytes));
  return back;
}

// The bytes are worked out by hand from the numbers of the contract.
test('a write request has the bytes that Go clients send', () => {
  const message = create(WriteContentRequestSchema, {
    action: WriteAction.COMMIT,
    ref: 'r',
    total: 300n,
    offset: 1n,
    data: Uint8Array.of(0xff),
    labels: { k: 'v' },
  });
  expect(hex(toBinary(WriteContentRequestSchema, message))).toBe(
    ['0802', '120172', '18ac02', '2801', '3201ff', '3a060a016b120176'].join(''),
  );
  roundTrip(WriteContentRequestSchema, message);
});

test('the zero action is STAT, so an empty message asks for the state', () => {
  expect(fromBinary(WriteContentRequestSchema, new Uint8Array()).action).toBe(WriteAction.STAT);
});

test('sizes are exact over the whole range of 64 bits', () => {
  roundTrip(
    WriteContentResponseSchema,
    create(WriteContentResponseSchema, { total: 2n ** 63n - 1n, offset: -1n }),
  );
  const { usageLimit } = roundTrip(
    MemoryStatSchema,
    create(MemoryStatSchema, { usageLimit: 2n ** 64n - 1n, swapLimit: 0n }),
  );
  expect(usageLimit).toBe(18446744073709551615n);
});

test('log levels may be negative, and an unset socket directory differs from an empty one', () => {
  const message = create(BootstrapParamsSchema, { instanceId: 'i', logLevel: LogLevel.TRACE });
  expect(hex(toBinary(BootstrapParamsSchema, message))).toBe('0a016918f8ffffffffffffffff01');
  expect(roundTrip(BootstrapParamsSchema, message).socketDir).toBeUndefined();
  expect(roundTrip(BootstrapParamsSchema, create(BootstrapParamsSchema, { socketDir: '' })).socketDir).toBe(
    '',
  );
});

test('an image is deleted with or without a target to compare', () => {
  expect(
    roundTrip(DeleteImageRequestSchema, create(DeleteImageRequestSchema, { name: 'n' })).target,
  ).toBeUndefined();
  roundTrip(
    DeleteImageRequestSchema,
    create(DeleteImageRequestSchema, { name: 'n', target: { digest: 'sha256:00', size: 1n } }),
  );
});

test('an enum value of a later version survives', () => {
  const later = fromBinary(WriteContentRequestSchema, Uint8Array.of(0x08, 0x63));
  expect(later.action).toBe(99);
  expect(hex(toBinary(WriteContentRequestSchema, later))).toBe('0863');
});

test('a map holds messages of any type', () => {
  const exit = anyPack(TaskExitSchema, create(TaskExitSchema, { containerId: 'c', exitStatus: 137 }));
  roundTrip(SandboxSchema, create(SandboxSchema, { sandboxId: 's', extensions: { 'a.b/c': exit } }));
});

test('a bare type URL, as containerd writes it, is carried as it is and understood', () => {
  const value = toBinary(TaskExitSchema, create(TaskExitSchema, { containerId: 'c', pid: 7 }));
  const message = create(EnvelopeSchema, {
    timestamp: timestampFromDate(new Date('2020-02-02T02:02:02.002Z')),
    namespace: 'n',
    topic: '/tasks/exit',
    event: { typeUrl: 'containerd.events.TaskExit', value },
  });
  const { event } = roundTrip(EnvelopeSchema, message);
  expect(event?.typeUrl).toBe('containerd.events.TaskExit');
  expect(event && anyUnpack(event, registry)).toEqual(create(TaskExitSchema, { containerId: 'c', pid: 7 }));
});

test('the registry serves the JSON of an Any', () => {
  const message = create(EnvelopeSchema, {
    topic: '/containers/create',
    event: anyPack(ContainerCreateSchema, create(ContainerCreateSchema, { id: 'c', runtime: { name: 'r' } })),
  });
  const json = toJson(EnvelopeSchema, message, { registry });
  expect(json).toEqual({
    topic: '/containers/create',
    event: {
      '@type': 'type.googleapis.com/containerd.events.ContainerCreate',
      id: 'c',
      runtime: { name: 'r' },
    },
  });
  expect(fromJson(EnvelopeSchema, json, { registry })).toEqual(message);
});

test('the envelope of ttrpc', () => {
  const request = create(RequestSchema, {
    service: 's',
    method: 'm',
    payload: Uint8Array.of(1),
    timeoutNano: 5n,
    metadata: [{ key: 'k', value: 'v' }],
  });
  expect(hex(toBinary(RequestSchema, request))).toBe(
    ['0a0173', '12016d', '1a0101', '2005', '2a060a016b120176'].join(''),
  );
  roundTrip(RequestSchema, request);
  const response = create(ResponseSchema, { status: { code: 5, message: 'm' } });
  expect(hex(toBinary(ResponseSchema, response))).toBe('0a05080512016d');
  roundTrip(ResponseSchema, response);
});
