import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { NotifySocket, tempDir, until } from '@stowage/testing';
import { sendDatagram } from '../src/sockets.ts';

test('a datagram arrives whole, by path and by abstract name', async () => {
  await using dir = await tempDir('datagram');
  for (const path of [join(dir.path, 'n.sock'), `@stowage-test-${randomUUID()}`]) {
    await using socket = await NotifySocket.open(path);
    expect(sendDatagram(path, Buffer.from('READY=1\nSTATUS=ø'))).toBe(true);
    expect(sendDatagram(path, Buffer.from('STOPPING=1'))).toBe(true);
    await until('both to arrive', () => socket.messages.length === 2);
    expect(socket.messages[0]).toBe('READY=1\nSTATUS=ø');
  }
});

test('that nobody listens, or could, is told', async () => {
  await using dir = await tempDir('datagram');
  const path = join(dir.path, 'n.sock');
  expect(() => sendDatagram(path, Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  expect(() => sendDatagram(`@${'x'.repeat(200)}`, Buffer.from('x'))).toThrow(
    expect.objectContaining({ code: 'ENAMETOOLONG' }),
  );
});
