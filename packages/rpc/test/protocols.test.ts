import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { expect, test } from '@jest/globals';
import { Containers } from '@stowage/api/containers/v1';
import { Events } from '@stowage/api/events/v1';
import { Images } from '@stowage/api/images/v1';
import { registry } from '@stowage/api/registry';
import { Version } from '@stowage/api/version/v1';
import { Fault, TYPE_URL } from '@stowage/core';
import { serviceRoutes } from '../src/index.ts';
import { serve } from './fixture.ts';

const run = promisify(execFile);
const seen: string[] = [];
const routes = [
  serviceRoutes(Version, { version: () => ({ version: '1.2.3' }) }),
  serviceRoutes(Containers, {
    get: ({ id }) => ({
      container: {
        id,
        spec: { typeUrl: TYPE_URL.spec, value: new TextEncoder().encode('{"ociVersion":"1"}') },
      },
    }),
    delete({ id }) {
      throw new Fault('not_found', `container ${id}: not found`);
    },
  }),
  serviceRoutes(Images, {
    update({ image, updateMask }) {
      seen.push(...(updateMask?.paths ?? []));
      return { image: image ?? {} };
    },
  }),
  serviceRoutes(Events, {
    async *subscribe({ filters }, { signal }) {
      yield {
        topic: '/tasks/exit',
        event: { typeUrl: 'containerd.events.TaskExit', value: new Uint8Array([10, 1, 99]) },
      };
      if (filters[0] === 'fail') throw new Fault('invalid_argument', 'filter "fail": bad');
      await delay(30_000, undefined, { signal });
    },
  }),
];

async function curl(path: string, method: string, body: string | Uint8Array, ...more: string[]) {
  const child = run(
    'curl',
    ['-sS', '-i', '--path-as-is', '--unix-socket', path, '--data-binary', '@-', ...more, `http://x${method}`],
    { encoding: 'buffer' },
  );
  child.child.stdin?.end(body);
  const { stdout } = await child;
  const end = stdout.indexOf('\r\n\r\n');
  return { head: stdout.subarray(0, end).toString(), body: stdout.subarray(end + 4) };
}
const JSON_TYPE = ['-H', 'content-type: application/json'];
const envelope = (data: string | Uint8Array, flags = 0) => {
  const head = Buffer.alloc(5, flags);
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, Buffer.from(data)]);
};

test.each([
  ['HTTP/1.1', []],
  ['HTTP/2', ['--http2-prior-knowledge']],
])('curl calls and reads JSON over %s', async (protocol, flags) => {
  await using s = await serve(routes);
  const call = (method: string, body: string) => curl(s.path, method, body, ...JSON_TYPE, ...flags);
  const version = await call('/containerd.services.version.v1.Version/Version', '{}');
  expect(version.head).toMatch(new RegExp(`^${protocol} 200`));
  expect(JSON.parse(String(version.body))).toEqual({ version: '1.2.3' });
  const container = await call('/containerd.services.containers.v1.Containers/Get', '{"id":"c"}');
  expect(JSON.parse(String(container.body))).toEqual({
    container: { id: 'c', spec: { '@type': TYPE_URL.spec, value: { ociVersion: '1' } } },
  });
  await call(
    '/containerd.services.images.v1.Images/Update',
    '{"image":{"name":"i"},"updateMask":"labels.fooBar"}',
  );
  expect(seen.pop()).toBe('labels.fooBar');
  const missing = await call('/containerd.services.containers.v1.Containers/Delete', '{"id":"c"}');
  expect(missing.head).toMatch(/ 404/);
  expect(JSON.parse(String(missing.body))).toEqual({ code: 'not_found', message: 'container c: not found' });
  const wrong = await call('/containerd.services.containers.v1.Containers/Get', '{"id":7}');
  expect(wrong.head).toMatch(/ 400/);
  expect(JSON.parse(String(wrong.body))).toMatchObject({ code: 'invalid_argument', message: /id/ });
  const zipped = await curl(
    s.path,
    '/containerd.services.containers.v1.Containers/Get',
    gzipSync('{"id":"z"}'),
    ...JSON_TYPE,
    ...flags,
    '-H',
    'content-encoding: gzip',
  );
  expect(JSON.parse(String(zipped.body))).toMatchObject({ container: { id: 'z' } });
});

test.each([
  ['HTTP/1.1', []],
  ['HTTP/2', ['--http2-prior-knowledge']],
])('curl follows a stream over %s', async (_, flags) => {
  await using s = await serve(routes);
  const args = [
    '-sSN',
    '--unix-socket',
    s.path,
    '--data-binary',
    '@-',
    '-H',
    'content-type: application/connect+json',
  ];
  const child = spawn('curl', [...args, ...flags, 'http://x/containerd.services.events.v1.Events/Subscribe']);
  child.stdin.end(envelope('{}'));
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  expect(first.readUInt32BE(1)).toBe(first.length - 5);
  expect(JSON.parse(first.subarray(5).toString())).toEqual({
    topic: '/tasks/exit',
    event: { '@type': 'containerd.events.TaskExit', containerId: 'c' },
  });
  child.kill();
  await once(child, 'close');

  const failing = await curl(
    s.path,
    '/containerd.services.events.v1.Events/Subscribe',
    envelope(gzipSync('{"filters":["fail"]}'), 1),
    ...flags,
    '-H',
    'content-type: application/connect+json',
    '-H',
    'connect-content-encoding: gzip',
  );
  expect(failing.head).toMatch(/content-type: application\/connect\+json/i);
  const second = 5 + failing.body.readUInt32BE(1);
  expect(failing.body[second]).toBe(2);
  expect(JSON.parse(failing.body.subarray(second + 5).toString())).toMatchObject({
    error: { code: 'invalid_argument', message: 'filter "fail": bad' },
  });
});

test.each([
  '/containerd.services.foo.v1.Foo/Bar',
  '//containerd.services.version.v1.Version/Version',
  '/containerd.services.version.v1.Version/Version/',
  '/containerd.services.version.v1.Version%2FVersion',
  '/containerd.services.version.v1.version/Version',
  '/containerd.services.version.v1.Version/version',
  '/x/../containerd.services.version.v1.Version/Version',
  '/',
])('%s is not routed, in any protocol', async (path) => {
  await using s = await serve(routes);
  for (const flags of [[], ['--http2-prior-knowledge']]) {
    const json = await curl(s.path, path, '{}', ...JSON_TYPE, ...flags);
    expect(JSON.parse(String(json.body))).toMatchObject({
      code: 'unimplemented',
      message: expect.stringMatching(/^unknown (service|method)|^malformed method name/),
    });
    for (const type of ['application/grpc', 'application/grpc-web+proto']) {
      const grpc = await curl(s.path, path, envelope(''), '-H', `content-type: ${type}`, ...flags);
      expect(grpc.head).toMatch(/grpc-status: 12/);
    }
    const stream = await curl(s.path, path, '', '-H', 'content-type: application/connect+json', ...flags);
    expect(JSON.parse(stream.body.subarray(5).toString()).error.code).toBe('unimplemented');
  }
});

test('a path without a leading slash is not routed', async () => {
  await using s = await serve(routes);
  const socket = connect(s.path);
  socket.end(
    'POST containerd.services.version.v1.Version/Version HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n',
  );
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1.1 (400|501)/);
  const { connect: connectHttp2 } = await import('node:http2');
  const session = connectHttp2('http://x', { createConnection: () => connect(s.path) });
  const stream = session.request({
    ':method': 'POST',
    ':path': 'containerd.services.version.v1.Version/Version',
    'content-type': 'application/grpc',
  });
  stream.end(envelope(''));
  // The HTTP/2 library under Node refuses it before we see it.
  await expect(once(stream, 'response')).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
  session.destroy();
});

test('clients of the other protocols are served', async () => {
  await using s = await serve(routes);
  const nodeOptions = { socketPath: s.path };
  const http1 = { baseUrl: 'http://x', httpVersion: '1.1', nodeOptions } as const;
  const http2 = {
    baseUrl: 'http://x',
    httpVersion: '2',
    nodeOptions: { createConnection: () => connect(s.path) },
  } as const;
  for (const transport of [
    createConnectTransport(http1),
    createConnectTransport({ ...http1, useBinaryFormat: false, jsonOptions: { registry } }),
    createConnectTransport(http2),
    createGrpcWebTransport(http1),
    createGrpcWebTransport({ ...http1, useBinaryFormat: false, jsonOptions: { registry } }),
    createGrpcWebTransport(http2),
  ]) {
    expect((await createClient(Version, transport).version({})).version).toBe('1.2.3');
    const client = createClient(Events, transport);
    const stop = new AbortController();
    for await (const { topic } of client.subscribe({}, { signal: stop.signal })) {
      expect(topic).toBe('/tasks/exit');
      stop.abort();
      break;
    }
    const failing = client.subscribe({ filters: ['fail'] })[Symbol.asyncIterator]();
    await failing.next();
    await expect(failing.next()).rejects.toMatchObject({ rawMessage: 'filter "fail": bad' });
  }
});
