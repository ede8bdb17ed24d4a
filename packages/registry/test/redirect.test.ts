import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { digestOf, MEDIA_TYPE } from '@stowage/core';
import { must, type TempDir, tempDir } from '@stowage/testing';
import { isLinkLocal, isLoopback } from '../src/addresses.ts';
import { openRegistry, type RegistryOptions } from '../src/index.ts';
import { BLOB, blobDescriptor, bytesOf, healthy, MANIFEST, stub } from './support/stub.ts';

const quick: RegistryOptions = { retryDelayMs: 5, idleTimeoutMs: 1000, connectTimeoutMs: 1000 };
let dir: TempDir;
let certificate: { readonly key: string; readonly cert: string };

beforeAll(async () => {
  dir = await tempDir('tls');
  const [key, cert] = [join(dir.path, 'key.pem'), join(dir.path, 'cert.pem')];
  const alternatives = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
  await must('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-addext', alternatives, '-keyout', key, '-out', cert],
  ]);
  certificate = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
});

afterAll(async () => {
  await dir[Symbol.asyncDispose]();
});

async function tlsServer(answer: RequestListener): Promise<{ readonly host: string } & AsyncDisposable> {
  const server = createServer(certificate, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A registry that wants a token, hands it out itself, and sends blobs elsewhere. */
function guarded(
  to: () => string,
  realm: (own: string) => string = (own) => `${own}/token`,
): RequestListener {
  return (request, response) => {
    const own = `http://${request.headers.host}`;
    if (request.url?.startsWith('/token')) {
      response.end(JSON.stringify({ token: 'secret-token', expires_in: 300 }));
    } else if (request.headers.authorization !== 'Bearer secret-token') {
      const challenge = `Bearer realm="${realm(own)}",service="reg",scope="repository:x:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    } else if (request.url?.includes('/blobs/')) {
      response.writeHead(307, { location: to() }).end();
    } else {
      healthy(request, response);
    }
  };
}

const fetchBlob = async (host: string, options = quick, offset = 0n) => {
  await using registry = openRegistry(options);
  return await bytesOf(registry.fetch(`${host}/x:1`, blobDescriptor, { offset }));
};

test('a token is got without credentials, used, and kept for the next request', async () => {
  await using server = await stub(guarded(() => '/elsewhere'));
  await using registry = openRegistry(quick);
  const name = `${server.host}/x:1`;
  const { descriptor } = await registry.resolve(name);
  expect(await bytesOf(registry.fetch(name, descriptor))).toEqual(MANIFEST);
  expect(server.log.map(({ line }) => line)).toEqual([
    'HEAD /v2/x/manifests/1',
    'GET /token?service=reg&scope=repository%3Ax%3Apull',
    'HEAD /v2/x/manifests/1',
    `GET /v2/x/manifests/${descriptor.digest}`,
  ]);
  expect(server.log[1]?.headers).not.toHaveProperty('authorization');
});

test('another host is sent no header of the registry but the range, and its challenge is not answered', async () => {
  await using other = await stub((request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      ...(from > 0 && { 'content-range': `bytes ${from}-${BLOB.byteLength - 1}/${BLOB.byteLength}` }),
    });
    response.end(BLOB.subarray(from));
  });
  await using server = await stub(guarded(() => `${other.origin}/cdn?signature=abc`));
  expect(BLOB.subarray(1000).equals(await fetchBlob(server.host, quick, 1000n))).toBe(true);
  expect(other.log).toHaveLength(1);
  const {
    host: _,
    connection: _c,
    'user-agent': _u,
    'accept-encoding': _e,
    ...rest
  } = other.log[0]?.headers ?? {};
  expect(rest).toEqual({ range: 'bytes=1000-' });
});

test.each(['Basic realm="give me"', 'Bearer realm="http://127.0.0.1:1/token",service="x"'])(
  'a challenge %s of another host fails the fetch and is not answered',
  async (challenge) => {
    await using other = await stub(
      (_, response) => void response.writeHead(401, { 'www-authenticate': challenge }).end(),
    );
    await using server = await stub(guarded(() => `${other.origin}/cdn?signature=abc`));
    const failed = fetchBlob(server.host);
    await expect(failed).rejects.toMatchObject({ kind: 'unauthenticated' });
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('signature') });
    expect(other.log).toHaveLength(1);
    expect(other.log[0]?.headers).not.toHaveProperty('authorization');
  },
);

test('the same origin keeps the token', async () => {
  const answer: RequestListener = (request, response) => {
    if (request.url === '/storage') response.end(request.headers.authorization === undefined ? '' : BLOB);
    else guarded(() => '/storage')(request, response);
  };
  await using server = await stub(answer);
  expect(BLOB.equals(await fetchBlob(server.host))).toBe(true);
});

test('another port is another host', async () => {
  await using other = await stub((_, response) => void response.end(BLOB));
  await using server = await stub(guarded(() => `${other.origin}/x`));
  await fetchBlob(server.host);
  expect(other.log[0]?.headers).not.toHaveProperty('authorization');
});

test('a detour over another host does not bring the token back', async () => {
  let back = '';
  await using other = await stub((_, response) => void response.writeHead(302, { location: back }).end());
  await using server = await stub(guarded(() => `${other.origin}/x`));
  back = `${server.origin}/v2/x/blobs/back`;
  await expect(fetchBlob(server.host)).rejects.toMatchObject({ kind: 'unauthenticated' });
  const returned = server.log.filter(({ line }) => line.endsWith('/back'));
  expect(returned.length).toBeGreaterThan(0);
  for (const { headers } of returned) expect(headers).not.toHaveProperty('authorization');
});

test.each([
  ['in circles', (own: string) => `${own}/v2/x/blobs/again`, 'failed_precondition'],
  ['to a file', () => 'file:///etc/passwd', 'failed_precondition'],
  ['to a socket', () => 'unix:/run/x.sock', 'failed_precondition'],
  ['to data', () => 'data:,x', 'failed_precondition'],
  ['to no URL', () => 'http://[', 'failed_precondition'],
  ['with a password', () => 'http://user:secret@127.0.0.1:1/', 'failed_precondition'],
  ['to a metadata service', () => 'http://169.254.169.254/latest', 'permission_denied'],
  ['to it by IPv6', () => 'http://[::ffff:169.254.169.254]/latest', 'permission_denied'],
  ['to it by number', () => 'http://2852039166/latest', 'permission_denied'],
  ['to a link-local address', () => 'http://[fe80::1]/', 'permission_denied'],
  ['to nobody', () => 'http://127.0.0.1:1/', 'unavailable'],
])('a redirect %s is refused', async (_, to, kind) => {
  await using server = await stub((request, response) => {
    response.writeHead(307, { location: to(`http://${request.headers.host}`) }).end();
  });
  const failed = fetchBlob(server.host);
  await expect(failed).rejects.toMatchObject({ kind });
  await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
  expect(server.log.length).toBeLessThanOrEqual(11);
});

test('a redirect without Location is refused', async () => {
  await using server = await stub((_, response) => void response.writeHead(302).end());
  await expect(fetchBlob(server.host)).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test('https to http is refused, https to https is not', async () => {
  await using plain = await stub((_, response) => void response.end(BLOB));
  await using secure = await tlsServer((_, response) => void response.end(BLOB));
  let location = '';
  await using server = await tlsServer((_, response) => void response.writeHead(307, { location }).end());
  const options = { ...quick, plainHttp: false, ca: certificate.cert };
  location = `${plain.origin}/x`;
  await expect(fetchBlob(server.host, options)).rejects.toMatchObject({ kind: 'failed_precondition' });
  expect(plain.log).toHaveLength(0);
  location = `https://${secure.host}/x`;
  expect(BLOB.equals(await fetchBlob(server.host, options))).toBe(true);
});

test('a certificate that nobody vouches for is refused', async () => {
  await using server = await tlsServer(healthy);
  await expect(fetchBlob(server.host, { ...quick, plainHttp: false })).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('certificate'),
  });
});

test.each([
  ['a metadata service', 'http://169.254.169.254/token', 'permission_denied'],
  ['a file', 'file:///etc/passwd', 'permission_denied'],
  ['a socket', 'unix:/x', 'permission_denied'],
  ['no URL', '', 'permission_denied'],
  ['a password', 'http://user:secret@127.0.0.1/', 'permission_denied'],
  ['nobody', 'http://127.0.0.1:1/', 'unavailable'],
])('a realm that is %s is not asked', async (_, realm, kind) => {
  await using server = await stub(
    guarded(
      () => '/',
      () => realm,
    ),
  );
  const failed = fetchBlob(server.host);
  await expect(failed).rejects.toMatchObject({ kind });
  await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
});

test('a realm at another host is asked, without anything', async () => {
  await using realm = await stub((_, response) => void response.end('{"access_token":"secret-token"}'));
  await using server = await stub(
    guarded(
      () => '/v2/x/manifests/1',
      () => `${realm.origin}/auth`,
    ),
  );
  await using registry = openRegistry(quick);
  await registry.resolve(`${server.host}/x:1`);
  const {
    host: _,
    connection: _c,
    'user-agent': _u,
    'accept-encoding': _e,
    ...rest
  } = realm.log[0]?.headers ?? {};
  expect(rest).toEqual({});
});

test('an encrypted registry with a realm that is not', async () => {
  await using plain = await stub((_, response) => void response.end('{"token":"secret-token"}'));
  await using server = await tlsServer(
    guarded(
      () => '/',
      () => `${plain.origin}/token`,
    ),
  );
  const failed = fetchBlob(server.host, { ...quick, plainHttp: false, ca: certificate.cert });
  await expect(failed).rejects.toMatchObject({ kind: 'permission_denied' });
  expect(plain.log).toHaveLength(0);
});

test.each([
  ['no JSON', 'x', 'unauthenticated'],
  ['null', 'null', 'unauthenticated'],
  ['no token', '{}', 'unauthenticated'],
  ['a token that ends the header', '{"token":"a\\r\\nevil: yes"}', 'unauthenticated'],
  ['an empty token', '{"token":""}', 'unauthenticated'],
  ['a megabyte and more', `{"token":"${'a'.repeat(1024 * 1024)}"}`, 'resource_exhausted'],
  ['a token that does not help', '{"token":"wrong"}', 'unauthenticated'],
])('a realm that gives %s', async (_, body, kind) => {
  await using realm = await stub((_, response) => void response.end(body));
  await using server = await stub(
    guarded(
      () => '/',
      () => `${realm.origin}/auth`,
    ),
  );
  await expect(fetchBlob(server.host)).rejects.toMatchObject({ kind });
  expect(realm.log).toHaveLength(1);
});

test('a registry elsewhere may not send to this machine', async () => {
  const [outside] = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  // Without a network there is no elsewhere; the rule itself is tested below.
  if (outside === undefined) return;
  await using local = await stub((_, response) => void response.end(BLOB));
  await using server = await stub(
    (_, response) => void response.writeHead(307, { location: `${local.origin}/x` }).end(),
    outside.address,
  );
  await expect(fetchBlob(server.host, { ...quick, plainHttp: true })).rejects.toMatchObject({
    kind: 'permission_denied',
  });
  expect(local.log).toHaveLength(0);
});

test('which addresses are whose', () => {
  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    '[::1]',
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    '0.0.0.0',
    '[::]',
  ]) {
    expect([host, isLoopback(host), isLinkLocal(host)]).toEqual([host, true, false]);
  }
  for (const host of [
    '169.254.0.1',
    '[fe80::1]',
    '[febf::1]',
    '[::ffff:169.254.169.254]',
    '[fd00:ec2::254]',
    '100.100.100.200',
  ]) {
    expect([host, isLoopback(host), isLinkLocal(host)]).toEqual([host, false, true]);
  }
  for (const host of [
    '10.0.0.1',
    '192.168.1.1',
    '8.8.8.8',
    'docker.io',
    'localhost.example',
    '[2001:db8::1]',
    '',
  ]) {
    expect([host, isLoopback(host), isLinkLocal(host)]).toEqual([host, false, false]);
  }
});

test('mirrors are tried in order, the registry itself last', async () => {
  await using empty = await stub((_, response) => void response.writeHead(404).end());
  await using full = await stub(healthy);
  const endpoints = () => [
    { origin: 'http://127.0.0.1:1' },
    { origin: empty.origin },
    { origin: full.origin, path: '/p' },
  ];
  await using registry = openRegistry({ ...quick, endpoints });
  const { descriptor } = await registry.resolve('registry.invalid/x:1');
  expect(descriptor).toMatchObject({ mediaType: MEDIA_TYPE.ociManifest, digest: digestOf(MANIFEST) });
  expect(empty.log).toHaveLength(1);
  expect(full.log.map(({ line }) => line)).toEqual(['HEAD /p/v2/x/manifests/1']);
});
