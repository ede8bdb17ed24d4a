import { create, createFileRegistry, type DescService } from '@bufbuild/protobuf';
import {
  type Any,
  AnySchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
} from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { serve } from './fixture.ts';

// No service of containerd's has a method of this kind, so here is one.

const ANY = '.google.protobuf.Any';
const file = create(FileDescriptorProtoSchema, {
  ...{ name: 'sum.proto', package: 'test', syntax: 'proto3', dependency: ['google/protobuf/any.proto'] },
  service: [
    { name: 'Sum', method: [{ name: 'Add', inputType: ANY, outputType: ANY, clientStreaming: true }] },
  ],
});
const set = create(FileDescriptorSetSchema, { file: [file_google_protobuf_any.proto, file] });
const Sum = createFileRegistry(set).getService('test.Sum') as DescService;

type Add = (messages: AsyncIterable<Any>) => Promise<Any>;

async function* input(...typeUrls: string[]) {
  for (const typeUrl of typeUrls) yield create(AnySchema, { typeUrl });
}

test('a stream of the client is answered once, after its end', async () => {
  const routes = (router: Parameters<Parameters<typeof serve>[0][number]>[0]) => {
    router.service(Sum, {
      async add(messages: AsyncIterable<Any>) {
        let typeUrl = '';
        for await (const message of messages) typeUrl += message.typeUrl;
        if (typeUrl === 'fail') throw new Fault('out_of_range', 'sum: too large');
        return { typeUrl };
      },
    } as never);
  };
  await using s = await serve([routes]);
  const add = (createClient(Sum, s.transport) as unknown as { add: Add }).add;
  expect((await add(input('a', 'b', 'c'))).typeUrl).toBe('abc');
  expect((await add(input())).typeUrl).toBe('');
  await expect(add(input('fa', 'il'))).rejects.toMatchObject({ rawMessage: 'sum: too large' });
});
