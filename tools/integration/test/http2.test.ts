import { connect } from 'node:http2';
import { connect as dial } from 'node:net';
import { expect, test } from '@jest/globals';
import { remoteContent } from '@stowage/content/remote';
import { digestOf } from '@stowage/core';
import { remoteEvents } from '@stowage/events/remote';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import { unixTransport } from '@stowage/rpc/transport';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('http2');

test('10,000 streams that one client cancels on one connection do not end it', async () => {
  const session = connect('http://localhost', { createConnection: () => dial(suite.daemon.address) });
  const ended: string[] = [];
  session.on('goaway', (code) => ended.push(`goaway ${code}`));
  session.on('error', (e) => ended.push(String(e)));
  session.on('close', () => ended.push('close'));
  const headers = {
    ':method': 'POST',
    ':path': '/containerd.services.events.v1.Events/Subscribe',
    'content-type': 'application/grpc+proto',
    te: 'trailers',
  };
  const held = session.request(headers);
  held.on('error', () => ended.push('held stream failed'));
  held.end(Buffer.from([0, 0, 0, 0, 0]));
  for (let round = 0; round < 100; round++) {
    const closed = Array.from({ length: 100 }, () => {
      const stream = session.request(headers);
      stream.on('error', () => undefined);
      const gone = new Promise((resolve) => stream.on('close', resolve));
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
      stream.close(8);
      return gone;
    });
    await Promise.all(closed);
  }
  expect(ended).toEqual([]);
  expect(held.closed).toBe(false);
  const alive = new Promise((resolve, reject) => session.ping((e) => (e ? reject(e) : resolve(true))));
  expect(await alive).toBe(true);
  session.destroy();
}, 60_000);

test('a message just under 16 MiB passes, one above it is resource_exhausted', async () => {
  await using transport = unixTransport(suite.daemon.address, { maxMessageBytes: 64 * 1024 * 1024 });
  const namespaces = remoteNamespaces(transport);
  const labels = (bytes: number) => {
    const some: Record<string, string> = {};
    for (let i = 0; i * 4000 < bytes; i++) some[`k${i}`] = 'v'.repeat(3900);
    return some;
  };
  await namespaces.create({ name: 'roomy', labels: labels(12 * 1024 * 1024) });
  await namespaces.delete('roomy');
  await expect(
    namespaces.create({ name: 'bursting', labels: labels(18 * 1024 * 1024) }),
  ).rejects.toMatchObject({
    kind: 'resource_exhausted',
  });
}, 60_000);

test('a subscriber that leaves its loop ends the call, and others go on', async () => {
  await using transport = unixTransport(suite.daemon.address);
  const events = remoteEvents(transport);
  const one = events.subscribe([])[Symbol.asyncIterator]();
  const first = one.next();
  await remoteNamespaces(transport).create({ name: 'heard', labels: {} });
  expect((await first).value).toMatchObject({ topic: '/namespaces/create' });
  await one.return?.();
  await remoteNamespaces(transport).delete('heard');
});

test('a large blob goes up and comes down whole', async () => {
  await using transport = unixTransport(suite.daemon.address);
  const content = remoteContent(transport, { namespace: suite.namespace });
  const bytes = Buffer.alloc(40 * 1024 * 1024, 'stowage');
  const digest = digestOf(bytes);
  {
    await using writer = await content.writer({
      ref: 'large',
      expected: digest,
      total: BigInt(bytes.length),
    });
    await writer.write(bytes);
    await writer.commit({ sizeBytes: BigInt(bytes.length) });
  }
  const read = Buffer.concat(await Array.fromAsync(content.read(digest)));
  expect(digestOf(read)).toBe(digest);
  await content.delete(digest);
}, 60_000);
