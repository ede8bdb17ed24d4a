import type { RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { digestOf, MEDIA_TYPE } from '@stowage/core';
import { openRegistry, type RegistryOptions } from '../src/index.ts';
import { BLOB, blobDescriptor, bytesOf, healthy, MANIFEST, stub } from './support/stub.ts';

const quick: RegistryOptions = { retryDelayMs: 5, idleTimeoutMs: 1000, connectTimeoutMs: 1000 };

async function resolving(answer: RequestListener, reference = 'x:1', options = quick) {
  await using server = await stub(answer);
  await using registry = openRegistry(options);
  return { resolved: await registry.resolve(`${server.host}/${reference}`), log: server.log };
}

async function fetching(answer: RequestListener, offset = 0n, descriptor = blobDescriptor) {
  await using server = await stub(answer);
  await using registry = openRegistry(quick);
  return {
    bytes: await bytesOf(registry.fetch(`${server.host}/x:1`, descriptor, { offset })),
    log: server.log,
  };
}

/** Answers with these headers, and GET with this body. */
const saying =
  (
    headers: Record<string, string | number>,
    body: Uint8Array | string = MANIFEST,
    status = 200,
  ): RequestListener =>
  (request, response) => {
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
  };

const type = { 'content-type': MEDIA_TYPE.ociManifest };
const digest = { 'docker-content-digest': digestOf(MANIFEST) };

test('HEAD alone resolves what says all about itself', async () => {
  const { resolved, log } = await resolving(healthy);
  expect(resolved.descriptor).toEqual({
    mediaType: MEDIA_TYPE.ociManifest,
    digest: digestOf(MANIFEST),
    size: BigInt(MANIFEST.byteLength),
  });
  expect(log.map(({ line }) => line)).toEqual(['HEAD /v2/x/manifests/1']);
});

test.each<[string, RequestListener]>([
  ['no digest', saying({ ...type })],
  ['no type', saying({ ...digest })],
  ['a type that says nothing', saying({ 'content-type': 'application/octet-stream', ...digest })],
  ['a type with parameters', saying({ 'content-type': `${MEDIA_TYPE.ociManifest}; charset=utf-8` })],
  [
    'no HEAD',
    (request, response) =>
      request.method === 'HEAD' ? void response.writeHead(405).end() : healthy(request, response),
  ],
])('GET helps a registry with %s', async (_, answer) => {
  const { resolved } = await resolving(answer);
  expect(resolved.descriptor).toEqual({
    mediaType: MEDIA_TYPE.ociManifest,
    digest: digestOf(MANIFEST),
    size: BigInt(MANIFEST.byteLength),
  });
});

const other = digestOf('other');

test.each<[string, RequestListener, string, string]>([
  ['a digest that is not of the bytes', saying({ ...type, 'docker-content-digest': other }), 'x:1', 'size'],
  ['another digest than was asked for (HEAD)', healthy, `x@${other}`, 'head'],
  ['other bytes than were asked for', saying({ ...type }), `x@${other}`, 'get'],
  ['a malformed digest', saying({ ...type, 'docker-content-digest': 'sha256:../../x' }), 'x:1', 'digest'],
])('resolve refuses %s', async (_, answer, reference) => {
  // HEAD is believed only about what the store checks later, so the lie must come with GET: leave the length away.
  const listener: RequestListener = (request, response) => {
    if (request.method === 'HEAD' && reference === 'x:1') response.removeHeader('content-length');
    answer(request, response);
  };
  await expect(resolving(listener, reference)).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test.each<[string, RequestListener, string]>([
  [
    'schema 1 by its type',
    saying({ 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws', ...digest }),
    'unimplemented',
  ],
  [
    'schema 1 by its content',
    saying({}, JSON.stringify({ mediaType: 'application/vnd.docker.distribution.manifest.v1+json' })),
    'unimplemented',
  ],
  ['a web page', saying({ 'content-type': 'text/html' }, '<html>'), 'invalid_argument'],
  ['an unknown type', saying({}, '{"mediaType":"a/b"}'), 'invalid_argument'],
  ['both manifest and index', saying({}, '{"manifests":[],"config":{},"layers":[]}'), 'invalid_argument'],
  ['null', saying({}, 'null'), 'invalid_argument'],
  ['no UTF-8', saying({}, Buffer.from([0x22, 0xff, 0x22])), 'invalid_argument'],
  [
    'a manifest announced too large',
    saying({ ...type, ...digest, 'content-length': 5_000_000 }),
    'resource_exhausted',
  ],
  ['a manifest that is too large', saying({ ...type }, Buffer.alloc(5_000_000, ' ')), 'resource_exhausted'],
  ['401 without a challenge', saying({}, '', 401), 'unauthenticated'],
  [
    '401 that wants a password',
    saying({ 'www-authenticate': 'Basic realm="x"' }, '', 401),
    'unauthenticated',
  ],
  ['403', saying({}, '{"errors":[{"code":"DENIED","message":"no"}]}', 403), 'permission_denied'],
  ['404', saying({}, 'no json', 404), 'not_found'],
  ['418', saying({}, '', 418), 'unknown'],
])('resolve refuses %s', async (_, answer, kind) => {
  await expect(resolving(answer)).rejects.toMatchObject({
    kind,
    message: expect.stringMatching(/resolve 127\.0\.0\.1:\d+\/x:1/),
  });
});

test('a name without tag and digest is refused before anybody is asked', async () => {
  await expect(resolving(healthy, 'x')).rejects.toMatchObject({ kind: 'invalid_argument' });
});

test('what never ends is cut off', async () => {
  let sent = 0;
  const endless: RequestListener = (request, response) => {
    response.writeHead(200, type);
    if (request.method === 'HEAD') return void response.end();
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
    };
    response.on('drain', more);
    more();
  };
  await expect(resolving(endless)).rejects.toMatchObject({ kind: 'resource_exhausted' });
  expect(sent).toBeLessThan(32 * 1024 * 1024);
});

test('429 and 503 are tried again, as often as said and as late as asked', async () => {
  let times = 0;
  const recovering: RequestListener = (request, response) => {
    times++;
    if (times <= 2) response.writeHead(times === 1 ? 429 : 503, { 'retry-after': '0' }).end();
    else healthy(request, response);
  };
  expect((await resolving(recovering)).resolved.descriptor.digest).toBe(digestOf(MANIFEST));
  expect(times).toBe(3);
});

test.each([
  [429, 'resource_exhausted'],
  [503, 'unavailable'],
])('a storm of %i ends', async (status, kind) => {
  let times = 0;
  const storm: RequestListener = (_, response) => {
    times++;
    response.writeHead(status).end();
  };
  await expect(resolving(storm)).rejects.toMatchObject({ kind });
  expect(times).toBe(4);
});

test('a registry that asks for an hour is not waited for', async () => {
  let times = 0;
  const patient: RequestListener = (_, response) => {
    times++;
    response.writeHead(429, { 'retry-after': '3600' }).end();
  };
  await expect(resolving(patient)).rejects.toMatchObject({ kind: 'resource_exhausted' });
  expect(times).toBe(1);
});

test('a connection that breaks before the answer is tried again', async () => {
  let times = 0;
  const resetting: RequestListener = (request, response) => {
    if (++times <= 2) request.socket.resetAndDestroy();
    else healthy(request, response);
  };
  expect((await resolving(resetting)).resolved.descriptor.digest).toBe(digestOf(MANIFEST));
});

test('nobody listens: unavailable, at once, saying what to look at', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await using registry = openRegistry();
  const started = performance.now();
  await expect(registry.resolve(`127.0.0.1:${port}/x:1`)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(
      `resolve 127.0.0.1:${port}/x:1: connection refused: is the registry up?`,
    ),
  });
  await expect(registry.resolve(`localhost:${port}/x:1`)).rejects.toMatchObject({
    message: expect.stringContaining('connection refused'),
  });
  expect(performance.now() - started).toBeLessThan(2000);
});

test('no host of this name', async () => {
  await using registry = openRegistry(quick);
  await expect(registry.resolve('registry.invalid/x:1')).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a plain registry asked by TLS says so', async () => {
  await using server = await stub(healthy);
  await using registry = openRegistry({ ...quick, plainHttp: false });
  await expect(registry.resolve(`${server.host}/x:1`)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('plain HTTP'),
  });
});

test('a registry that is silent is given up', async () => {
  const silent: RequestListener = () => undefined;
  await expect(resolving(silent)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a registry that sends a byte now and then is given up', async () => {
  const dripping: RequestListener = (_, response) => {
    response.writeHead(200, type);
    const timer = setInterval(() => response.write(' '), 50);
    response.on('close', () => clearInterval(timer));
  };
  const options = { ...quick, resolveTimeoutMs: 400 };
  const message = expect.stringContaining('400 ms');
  await expect(resolving(dripping, 'x:1', options)).rejects.toMatchObject({ kind: 'unavailable', message });
});

test('a registry that falls silent in a body is given up', async () => {
  const stalling: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-length': BLOB.byteLength }).write(BLOB.subarray(0, 1000));
  };
  await expect(fetching(stalling)).rejects.toMatchObject({ kind: 'unavailable' });
});

test.each<[string, RequestListener, string]>([
  ['more than announced', saying({}, Buffer.concat([BLOB, BLOB])), 'failed_precondition'],
  [
    'a byte more',
    saying({ 'transfer-encoding': 'chunked' }, Buffer.concat([BLOB, Buffer.of(0)])),
    'failed_precondition',
  ],
  ['a byte less', saying({ 'transfer-encoding': 'chunked' }, BLOB.subarray(1)), 'unavailable'],
  [
    'a length that is too large',
    saying({ 'content-length': BLOB.byteLength + 1 }, BLOB),
    'failed_precondition',
  ],
  ['a length that is too small', saying({ 'content-length': 5 }, BLOB.subarray(0, 5)), 'failed_precondition'],
  ['it packed', saying({ 'content-encoding': 'gzip' }, BLOB), 'failed_precondition'],
  ['nothing', saying({ 'transfer-encoding': 'chunked' }, ''), 'unavailable'],
])('fetch refuses %s', async (_, answer, kind) => {
  await expect(fetching(answer)).rejects.toMatchObject({ kind });
});

test('a connection that breaks in a body is unavailable, after what came', async () => {
  const breaking: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-length': BLOB.byteLength });
    response.write(BLOB.subarray(0, 1000), () => response.destroy());
  };
  await expect(fetching(breaking)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a part is asked for, and no other is taken for it', async () => {
  const part = (range: string): RequestListener =>
    saying({ 'content-range': range }, BLOB.subarray(1000), 206);
  const total = BLOB.byteLength;
  const { bytes, log } = await fetching(part(`bytes 1000-${total - 1}/${total}`), 1000n);
  expect(BLOB.subarray(1000).equals(bytes)).toBe(true);
  expect(log[0]?.headers.range).toBe('bytes=1000-');
  expect((await fetching(part(`bytes 1000-${total - 1}/*`), 1000n)).bytes).toHaveLength(total - 1000);
  for (const range of [
    `bytes 0-${total - 1}/${total}`,
    `bytes 1000-${total - 1}/${total + 1}`,
    'bytes */5',
    'x',
  ]) {
    await expect(fetching(part(range), 1000n)).rejects.toMatchObject({ kind: 'failed_precondition' });
  }
});

test('a registry that knows no parts is asked for all', async () => {
  expect(BLOB.subarray(1000).equals((await fetching(saying({}, BLOB), 1000n)).bytes)).toBe(true);
  const picky: RequestListener = (request, response) => {
    if (request.headers.range !== undefined) response.writeHead(416).end();
    else response.end(BLOB);
  };
  expect(BLOB.subarray(1000).equals((await fetching(picky, 1000n)).bytes)).toBe(true);
});

test.each([-1n, blobDescriptor.size + 1n])('offset %s is out of range', async (offset) => {
  await expect(fetching(healthy, offset)).rejects.toMatchObject({ kind: 'out_of_range' });
});

test('aborting rejects with the reason, whatever is under way', async () => {
  const hanging: RequestListener = (request, response) => {
    if (request.url?.includes('/blobs/')) response.writeHead(200).write(BLOB.subarray(0, 10));
  };
  await using server = await stub(hanging);
  await using registry = openRegistry();
  const reason = new Error('enough');
  const name = `${server.host}/x:1`;
  const options = () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 30);
    return { signal: stop.signal };
  };
  await expect(registry.resolve(name, options())).rejects.toBe(reason);
  await expect(bytesOf(registry.fetch(name, blobDescriptor, options()))).rejects.toBe(reason);
  await expect(registry.resolve(name, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('aborting a wait before a retry rejects with the reason', async () => {
  const reason = new Error('enough');
  await using server = await stub((_, response: ServerResponse) => response.writeHead(503).end());
  await using registry = openRegistry({ retryDelayMs: 10_000 });
  const stop = new AbortController();
  setTimeout(() => stop.abort(reason), 50);
  await expect(registry.resolve(`${server.host}/x:1`, { signal: stop.signal })).rejects.toBe(reason);
});

test('at most so many requests are under way, and those that wait can be aborted', async () => {
  const waiting: ServerResponse[] = [];
  await using server = await stub((_, response) => void waiting.push(response));
  await using registry = openRegistry({ ...quick, idleTimeoutMs: 10_000, maxConcurrent: 2 });
  const stop = new AbortController();
  const resolves = [1, 2, 3, 4].map((n) => registry.resolve(`${server.host}/x:${n}`));
  const aborted = registry.resolve(`${server.host}/x:5`, { signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  for (let answered = 0; answered < 4; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(waiting.length).toBeLessThanOrEqual(2);
    for (const response of waiting.splice(0)) {
      answered++;
      response.writeHead(200, { ...type, ...digest, 'content-length': MANIFEST.byteLength }).end();
    }
  }
  expect(await Promise.all(resolves)).toHaveLength(4);
});

test('a closed registry asks nobody', async () => {
  await using server = await stub(healthy);
  const registry = openRegistry();
  await registry[Symbol.asyncDispose]();
  await expect(registry.resolve(`${server.host}/x:1`)).rejects.toMatchObject({ kind: 'canceled' });
  expect(server.log).toHaveLength(0);
});
