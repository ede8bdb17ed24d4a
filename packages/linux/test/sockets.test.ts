import { once } from 'node:events';
import { constants, fstatSync, readFileSync, statSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { close, open } from '../src/index.ts';
import {
  acceptUnix,
  connectUnix,
  listenUnix,
  peerCredentials,
  receiveMessage,
  sendMessage,
  socketPair,
  socketPeerCredentials,
} from '../src/sockets.ts';
import { codeOf, tempDir } from './fixtures/temp.ts';

test('descriptors arrive close-on-exec and name the same file', () => {
  const [a, b] = socketPair();
  const file = open('/dev/zero', constants.O_RDONLY);
  expect(receiveMessage(b, 10, 1)).toBeUndefined();
  expect(sendMessage(a, Buffer.from('hello'), [file, file])).toBe(5);
  const { data, fds } = receiveMessage(b, 10, 4) as { data: Buffer; fds: readonly number[] };
  expect(data.toString()).toBe('hello');
  expect(fds).toHaveLength(2);
  for (const fd of fds) {
    expect(fstatSync(fd).rdev).toBe(fstatSync(file).rdev);
    expect(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')).toMatch(/^flags:\s*0?[2-7]\d{6}$/m);
    close(fd);
  }
  sendMessage(a, Buffer.from('plain'), []);
  expect(receiveMessage(b, 3, 0)).toMatchObject({ data: Buffer.from('pla'), fds: [] });
  close(a);
  expect(receiveMessage(b, 10, 0)?.data.toString()).toBe('in');
  expect(receiveMessage(b, 10, 0)?.data).toHaveLength(0);
  expect(codeOf(() => sendMessage(b, Buffer.from('x'), []))).toBe('EPIPE');
  for (const fd of [b, file]) close(fd);
});

test('the most descriptors there can be, and one too many', () => {
  const [a, b] = socketPair();
  const file = open('/dev/null', constants.O_RDONLY);
  sendMessage(a, Buffer.from('x'), Array(253).fill(file));
  const fds = receiveMessage(b, 1, 253)?.fds ?? [];
  expect(new Set(fds).size).toBe(253);
  for (const fd of fds) close(fd);
  expect(codeOf(() => sendMessage(a, Buffer.from('x'), Array(254).fill(file)))).toBe('EINVAL');
  expect(codeOf(() => sendMessage(a, Buffer.alloc(0), [file]))).toBe('EINVAL');
  sendMessage(a, Buffer.from('x'), [file, file]);
  expect(codeOf(() => receiveMessage(b, 1, 1))).toBe('EMSGSIZE');
  for (const fd of [a, b, file]) close(fd);
});

test('a full socket says so instead of waiting', () => {
  const [a, b] = socketPair();
  const chunk = Buffer.alloc(65_536);
  let sent: number | undefined = 0;
  for (let i = 0; i < 1000 && sent !== undefined; i++) sent = sendMessage(a, chunk, []);
  expect(sent).toBeUndefined();
  close(a);
  close(b);
});

test('a listener has its mode from the start and never waits', () => {
  using dir = tempDir();
  const path = join(dir.path, 'sock');
  const listener = listenUnix(path, 0o600);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(acceptUnix(listener)).toBeUndefined();
  const client = connectUnix(path);
  const server = acceptUnix(listener) as number;
  expect(peerCredentials(server)).toEqual({
    pid: process.pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
  });
  for (const fd of [client, server, listener]) close(fd);
  expect(codeOf(() => connectUnix(path))).toBe('ECONNREFUSED');
});

test('messages of a seqpacket socket stay apart, with their descriptors, from before they are accepted', () => {
  using dir = tempDir();
  const path = join(dir.path, 'sock');
  const listener = listenUnix(path, 0o600, { type: 'seqpacket' });
  const client = connectUnix(path, { type: 'seqpacket' });
  const file = open('/dev/null', constants.O_RDONLY);
  sendMessage(client, Buffer.from('one'), []);
  sendMessage(client, Buffer.from('two'), [file]);
  const server = acceptUnix(listener) as number;
  expect(receiveMessage(server, 100, 1)).toMatchObject({ data: Buffer.from('one'), fds: [] });
  const two = receiveMessage(server, 100, 1);
  expect(two).toMatchObject({ data: Buffer.from('two'), fds: [expect.any(Number)] });
  expect(receiveMessage(server, 100, 1)).toBeUndefined();
  close(client);
  expect(receiveMessage(server, 100, 1)?.data).toHaveLength(0);
  for (const fd of [...(two?.fds ?? []), server, listener, file]) close(fd);
});

test('the peer of a Node socket', async () => {
  using dir = tempDir();
  const server = createServer().listen(join(dir.path, 'sock'));
  await once(server, 'listening');
  const client = createConnection(join(dir.path, 'sock'));
  const [socket] = (await once(server, 'connection')) as [Socket];
  expect(socketPeerCredentials(socket).pid).toBe(process.pid);
  client.destroy();
  socket.destroy();
  expect(codeOf(() => socketPeerCredentials(socket))).toBe('EBADF');
  server.close();
  await once(server, 'close');
});
