import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { digestOf, MEDIA_TYPE } from '@stowage/core';
import { type TempDir, tempDir } from '@stowage/testing';
import { hostsDirectory, openRegistry } from '../src/index.ts';
import { type Certificates, certificates } from './support/certificates.ts';
import { BLOB, blobDescriptor, bytesOf, healthy, MANIFEST, stub } from './support/stub.ts';

let dir: TempDir;
let certs: Certificates;
beforeAll(async () => {
  certs = await certificates();
});
afterAll(async () => {
  await certs?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  dir = await tempDir('hosts');
});
afterEach(async () => {
  await dir[Symbol.asyncDispose]();
});

async function write(host: string, text: string, name = 'hosts.toml'): Promise<void> {
  await mkdir(join(dir.path, host), { recursive: true });
  await writeFile(join(dir.path, host, name), text);
}

async function endpoints(host: string, text?: string) {
  if (text !== undefined) await write(host, text);
  return hostsDirectory(dir.path)(host);
}

const quick = { retryDelayMs: 5, retries: 1, idleTimeoutMs: 1000 };
const registry = () => openRegistry({ ...quick, endpoints: hostsDirectory(dir.path) });

/** Wants a client's certificate, and names whom it saw. */
async function mutual() {
  const seen: string[] = [];
  const options = { ...certs.server, ca: certs.ca, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options, (request, response) => {
    const socket = request.socket as TLSSocket;
    seen.push(`${socket.authorized ? socket.getPeerCertificate().subject.CN : 'nobody'} ${request.url}`);
    healthy(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('all keys are read, hosts in their order and the server last', async () => {
  await writeFile(join(dir.path, 'a.pem'), 'A');
  await write('registry.example', 'B', 'b.pem');
  await write('registry.example', 'K', 'b.key');
  const text = `
    server = "registry.example"
    capabilities = ["Push"]
    [host."https://z.example"]
      capabilities = ["pull"]
      ca = ["${join(dir.path, 'a.pem')}", "b.pem"]
      client = [["b.pem", "b.key"], ["a2.pem", ""]]
      skip_verify = true
      dial_timeout = "1m1.5s"
      proxy = "http://proxy.example:8080"
      [host."https://z.example".header]
        X-One = "1"
        x-two = ["a", "b"]
    [host."http://a.example:5000/deep/"]
      client = "b.pem"
    [host."https://m.example/root/v2"]
      client = ["b.pem"]
    [host."https://o.example/root"]
      override_path = true
  `;
  await write('registry.example', 'A2', 'a2.pem');
  const [z, a, m, o, server, ...more] = await endpoints('registry.example', text);
  expect(more).toEqual([]);
  expect(z).toMatchObject({
    origin: 'https://z.example',
    path: '',
    namespace: 'registry.example',
    capabilities: ['pull'],
    headers: { 'x-one': '1', 'x-two': 'a, b' },
    connection: {
      ca: ['A', 'B'],
      clientCertificates: [
        { certificate: 'B', key: 'K' },
        { certificate: 'A2', key: 'A2' },
      ],
      skipVerify: true,
      connectTimeoutMs: 61_500,
      proxy: 'http://proxy.example:8080/',
    },
  });
  expect(a).toMatchObject({ origin: 'http://a.example:5000', path: '/deep', namespace: 'registry.example' });
  expect(a?.capabilities).toBeUndefined();
  expect(a?.connection?.clientCertificates).toEqual([{ certificate: 'B', key: 'B' }]);
  expect(m).toMatchObject({
    path: '/root',
    connection: { clientCertificates: [{ certificate: 'B', key: 'B' }] },
  });
  expect(o).toMatchObject({ path: '/root', overridePath: true });
  expect(server).toMatchObject({ origin: 'https://registry.example', capabilities: ['push'] });
  expect(server?.namespace).toBeUndefined();
});

test.each([
  ['no TOML', 'server = ', /no TOML/],
  ['hosts that are no table', 'host = 5', /host: expected a table/],
  ['a host that is no table', '[host]\n"https://a" = 1', /host\."https:\/\/a": expected a table/],
  [
    'an unknown capability',
    'capabilities = ["fly"]',
    /capabilities: expected pull, resolve, push, not "fly"/,
  ],
  ['a capability that is none', 'capabilities = [5]', /capabilities: expected a string or strings/],
  ['a server with a password', 'server = "https://a:b@x.example"', /server: expected a URL/],
  [
    'a host with a password',
    '[host."https://a:secret@x.example"]',
    /host\."https:\/\/x\.example": expected a URL/,
  ],
  ['a server with another scheme', 'server = "ftp://x.example"', /server: expected a URL/],
  ['a switch that is none', 'skip_verify = "yes"', /skip_verify: expected true or false/],
  ['a duration that is none', 'dial_timeout = "soon"', /dial_timeout: expected a duration/],
  ['a header that ends itself', '[header]\nx = "a\\r\\nb: c"', /header\.x: expected/],
  ['a header without a name', '[header]\n"a b" = "c"', /header\.a b: expected/],
  ['a certificate that is not there', 'ca = "absent.pem"', /absent\.pem: there is no such file/],
  ['a pair of one', 'client = [["a.pem"]]', /client: expected a path, paths, or pairs/],
  ['a proxy that is none', 'proxy = "ftp://a:secret@b"', /proxy: it must be a URL/],
])('a file with %s is refused, naming itself', async (_, text, message) => {
  const failed = endpoints('registry.example', text);
  await expect(failed).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringMatching(message),
  });
  await expect(failed).rejects.toMatchObject({ message: expect.stringContaining(dir.path) });
  await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
});

test('directories are looked for in order, with the port in two spellings', async () => {
  const at = async () => (await endpoints('x.example:5000'))[0]?.origin;
  expect(await at()).toBe('https://x.example:5000');
  await write('_default', 'server = "https://default.example"');
  expect(await at()).toBe('https://default.example');
  await write('x.example', 'server = "https://portless.example"');
  expect(await at()).toBe('https://default.example');
  await write('x.example:5000', 'server = "https://colon.example"');
  expect(await at()).toBe('https://colon.example');
  await write('x.example_5000_', 'server = "https://lines.example"');
  expect(await at()).toBe('https://lines.example');
});

test('what is not said of a registry is as usual', async () => {
  expect(await endpoints('docker.io')).toEqual([{ origin: 'https://registry-1.docker.io' }]);
  const [mirror, itself] = await endpoints('docker.io', '[host."https://mirror.example"]');
  expect(mirror).toMatchObject({ origin: 'https://mirror.example', namespace: 'docker.io' });
  expect(itself).toMatchObject({ origin: 'https://registry-1.docker.io' });
  expect(itself?.namespace).toBeUndefined();
});

test('an unknown key is for later versions, and an empty file is none', async () => {
  expect(await endpoints('x.example', 'new_key = 5\n')).toMatchObject([{ origin: 'https://x.example' }]);
  await write('y.example', '');
  await write('y.example', 'C', 'ca.crt');
  await write('y.example', 'D', 'me.cert');
  await write('y.example', 'E', 'me.key');
  await write('y.example', 'F', 'other.cert');
  expect(await endpoints('y.example')).toMatchObject([
    {
      origin: 'https://y.example',
      connection: {
        ca: ['C'],
        clientCertificates: [
          { certificate: 'D', key: 'E' },
          { certificate: 'F', key: 'F' },
        ],
      },
    },
  ]);
});

test('a mirror that may not resolve gives content only, and none of them is pushed to', async () => {
  await using mirror = await stub(healthy);
  await using origin = await stub((request, response) => {
    if (request.method === 'POST') response.writeHead(202, { location: '/up' }).end();
    else if (request.method === 'PUT') request.resume().on('end', () => response.writeHead(201).end());
    else if (request.method === 'HEAD' && request.url?.includes('/blobs/')) response.writeHead(404).end();
    else healthy(request, response);
  });
  await write(
    'registry.invalid',
    `server = "${origin.origin}"\n[host."${mirror.origin}"]\ncapabilities = ["pull"]\n[host."${mirror.origin}".header]\nx-mirror = "yes"`,
  );
  await using client = registry();
  const { name, descriptor } = await client.resolve('registry.invalid/x:1');
  expect(descriptor).toEqual({
    mediaType: MEDIA_TYPE.ociManifest,
    digest: digestOf(MANIFEST),
    size: BigInt(MANIFEST.byteLength),
  });
  expect(mirror.log).toHaveLength(0);
  expect((await bytesOf(client.fetch(name, blobDescriptor))).equals(BLOB)).toBe(true);
  expect(mirror.log.map(({ line }) => line)).toEqual([
    `GET /v2/x/blobs/${blobDescriptor.digest}?ns=registry.invalid`,
  ]);
  expect(mirror.log[0]?.headers['x-mirror']).toBe('yes');
  await client.pushBlob(name, blobDescriptor, async function* () {
    yield BLOB;
  });
  expect(mirror.log).toHaveLength(1);
  expect(origin.log.some(({ headers }) => 'x-mirror' in headers)).toBe(false);
});

test('where nobody may be pushed to, that is said', async () => {
  await write('registry.invalid', 'capabilities = ["pull"]');
  await using client = registry();
  const pushed = client.delete('registry.invalid/x:1');
  await expect(pushed).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('no endpoint is known that can push for registry.invalid'),
  });
});

test('mirrors that are down, wrong or not trusted are passed over', async () => {
  await using wrong = await stub((_, response) => void response.writeHead(500).end());
  await using untrusted = await mutual();
  await using origin = await stub(healthy);
  const hosts = ['http://127.0.0.1:1', wrong.origin, `https://${untrusted.host}`];
  const text = [`server = "${origin.origin}"`, ...hosts.map((host) => `[host."${host}"]`)];
  await write('registry.invalid', text.join('\n'));
  await using client = registry();
  await client.resolve('registry.invalid/x:1');
  expect(origin.log).toHaveLength(1);
  expect(untrusted.seen).toEqual([]);
});

test('authority and client certificate are for their host, and for nobody whom it redirects to', async () => {
  await using server = await mutual();
  await using elsewhere = await mutual();
  await write(
    'registry.invalid',
    `server = "https://${server.host}"\nca = "${certs.path('ca.crt')}"\nclient = [["${certs.path('client.crt')}", "${certs.path('client.key')}"]]`,
  );
  await using client = registry();
  await client.resolve('registry.invalid/x:1');
  expect(server.seen).toEqual(['test client /v2/x/manifests/1?ns=registry.invalid']);

  await using redirecting = await stub(
    (request, response) =>
      void response.writeHead(307, { location: `https://${elsewhere.host}${request.url}` }).end(),
  );
  await write(
    'other.invalid',
    `server = "${redirecting.origin}"\nclient = [["${certs.path('client.crt')}", "${certs.path('client.key')}"]]`,
  );
  const trusting = { ...quick, ca: certs.ca, endpoints: hostsDirectory(dir.path) };
  await using second = openRegistry(trusting);
  await second.resolve('other.invalid/x:1');
  expect(elsewhere.seen).toEqual(['nobody /v2/x/manifests/1?ns=other.invalid']);
});

test('skip_verify trusts whoever answers, and only there', async () => {
  await using server = await mutual();
  await write('lax.invalid', `server = "https://${server.host}"\nskip_verify = true`);
  await write('strict.invalid', `server = "https://${server.host}"`);
  await using client = registry();
  await client.resolve('lax.invalid/x:1');
  await expect(client.resolve('strict.invalid/x:1')).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test('a root of the API of its own', async () => {
  await using server = await stub(healthy);
  await write('registry.invalid', `server = "${server.origin}/api/"\noverride_path = true`);
  await using client = registry();
  await client.resolve('registry.invalid/x:1');
  expect(server.log.map(({ line }) => line)).toEqual(['HEAD /api/x/manifests/1?ns=registry.invalid']);
});

test('what changes counts from the next request on', async () => {
  await using first = await stub(healthy);
  await using second = await stub(healthy);
  await using client = registry();
  for (const server of [first, second]) {
    await write('registry.invalid', `server = "${server.origin}"`);
    await client.resolve('registry.invalid/x:1');
    expect(server.log).toHaveLength(1);
  }
});
