import { create } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { Content, WriteAction, WriteContentResponseSchema } from '@stowage/api/content/v1';
import { remoteContent } from '@stowage/content/remote';
import { digestOf } from '@stowage/core';
import { serviceRoutes } from '@stowage/rpc';
import { memoryTransport } from '@stowage/rpc/transport';

test('a server that repeats its last response, as containerd does, is understood', async () => {
  let ended = 0;
  const routes = serviceRoutes(Content, {
    async *write(requests) {
      let last = create(WriteContentResponseSchema);
      for await (const { action, data } of requests) {
        const offset = last.offset + BigInt(data.length);
        last = create(WriteContentResponseSchema, { action, offset, digest: digestOf('hello') });
        yield last;
        if (action === WriteAction.COMMIT) break;
      }
      yield last;
      ended++;
    },
  });
  const store = remoteContent(memoryTransport(routes), { namespace: 'a' });
  {
    await using writer = await store.writer({ ref: 'r' });
    await writer.write(Buffer.from('hello'));
    expect(await writer.commit()).toBe(digestOf('hello'));
  }
  {
    await using writer = await store.writer({ ref: 'left' });
    await writer.write(Buffer.from('hel'));
  }
  expect(ended).toBe(2);
});
