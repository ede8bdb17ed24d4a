import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Health } from '@stowage/api/health/v1';
import { rpcClient } from '../src/index.ts';
import { unixTransport } from '../src/transport.ts';
import { tempDir } from './fixture.ts';

test.each([
  ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['zeros', '\0'.repeat(100)],
])('calls to a peer that speaks no HTTP/2 fail, and nothing else does: %s', async (_, greeting) => {
  await using dir = await tempDir();
  const path = join(dir.path, 'other.sock');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume().end(greeting);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  let unexpected: unknown;
  const onUncaught = (e: unknown) => {
    unexpected = e;
  };
  process.on('uncaughtException', onUncaught);
  {
    await using transport = unixTransport(path);
    const health = rpcClient(Health, transport);
    for (let i = 0; i < 3; i++)
      await expect(health.check({}, {})).rejects.toMatchObject({ kind: 'unavailable' });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await new Promise((resolve) => server.close(resolve));
  process.off('uncaughtException', onUncaught);
  expect(unexpected).toBeUndefined();
});
