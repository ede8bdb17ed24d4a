import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openRegistry, proxiesOf, type RegistryOptions } from '../src/index.ts';
import { type Certificates, certificates } from './support/certificates.ts';
import { healthy, stub } from './support/stub.ts';

const quick: RegistryOptions = { retryDelayMs: 5, retries: 0, idleTimeoutMs: 1000, connectTimeoutMs: 1000 };
let certs: Certificates;
beforeAll(async () => {
  certs = await certificates();
});
afterAll(async () => {
  await certs?.[Symbol.asyncDispose]();
});

interface Proxy extends AsyncDisposable {
  readonly url: string;
  readonly log: readonly { readonly line: string; readonly headers: IncomingMessage['headers'] }[];
}

/** Answers plain requests itself, and tunnels all others to one place, whatever they name. */
async function proxy(to?: string): Promise<Proxy> {
  const log: { line: string; headers: IncomingMessage['headers'] }[] = [];
  const sockets = new Set<Socket>();
  const note = ({ method, url, headers }: IncomingMessage) => log.push({ line: `${method} ${url}`, headers });
  const server = createServer((request, response) => {
    note(request);
    healthy(request, response);
  });
  server.on('connect', (request: IncomingMessage, below: Socket) => {
    note(request);
    if (to === undefined) return void below.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const [host = '', port = ''] = to.split(':');
    const above = connect(Number(port), host, () => {
      below.write('HTTP/1.1 200 OK\r\n\r\n');
      below.pipe(above).pipe(below);
    });
    for (const socket of [above, below]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://user:proxy-secret@127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function tls() {
  const server = createHttps(certs.server, healthy);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('plain HTTP goes through its proxy, which learns the name and not the address', async () => {
  await using through = await proxy();
  await using registry = openRegistry({ ...quick, plainHttp: true, proxies: { http: through.url } });
  await registry.resolve('registry.invalid:5000/x:1');
  expect(through.log.map(({ line }) => line)).toEqual(['HEAD http://registry.invalid:5000/v2/x/manifests/1']);
  expect(through.log[0]?.headers['proxy-authorization']).toBe(
    `Basic ${Buffer.from('user:proxy-secret').toString('base64')}`,
  );
});

test('HTTPS goes through a tunnel, and the certificate is the registry’s own', async () => {
  await using server = await tls();
  await using through = await proxy(server.host);
  const proxies = { https: through.url };
  await using registry = openRegistry({ ...quick, ca: certs.ca, proxies });
  await registry.resolve('registry.invalid/x:1');
  expect(through.log.map(({ line }) => line)).toEqual(['CONNECT registry.invalid:443']);
  expect(through.log[0]?.headers).not.toHaveProperty('authorization');
  await expect(registry.resolve('another.invalid/x:1')).rejects.toMatchObject({
    kind: 'failed_precondition',
  });
  await using strict = openRegistry({ ...quick, proxies });
  await expect(strict.resolve('registry.invalid/x:1')).rejects.toMatchObject({ kind: 'failed_precondition' });
});

test('loopback, what NO_PROXY names, and the other scheme are reached directly', async () => {
  await using through = await proxy();
  await using server = await stub(healthy);
  const proxies = { http: through.url, none: 'other.invalid,.below.invalid' };
  await using registry = openRegistry({ ...quick, proxies });
  await registry.resolve(`${server.host}/x:1`);
  await using plain = openRegistry({ ...quick, plainHttp: true, proxies });
  for (const host of ['other.invalid', 'a.below.invalid'])
    await expect(plain.resolve(`${host}/x:1`)).rejects.toMatchObject({ kind: 'unavailable' });
  // HTTPS has its own.
  await expect(registry.resolve('registry.invalid/x:1')).rejects.toMatchObject({ kind: 'unavailable' });
  expect(through.log).toEqual([]);
});

test('a proxy that refuses, or is down, or is none, is told without its password', async () => {
  await using through = await proxy();
  for (const https of [
    through.url,
    'http://user:proxy-secret@127.0.0.1:1',
    'ftp://user:proxy-secret@x',
    '::',
  ]) {
    await using registry = openRegistry({ ...quick, proxies: { https } });
    const failed = registry.resolve('registry.invalid/x:1');
    const kind = expect.stringMatching(/unavailable|invalid_argument/);
    await expect(failed).rejects.toMatchObject({ kind });
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('proxy-secret') });
  }
});

test('an endpoint’s own proxy counts more than the environment’s', async () => {
  await using through = await proxy();
  await using own = await proxy();
  const endpoints = () => [{ origin: 'http://registry.invalid', connection: { proxy: own.url } }];
  const proxies = { http: through.url, none: '*' };
  await using registry = openRegistry({ ...quick, endpoints, proxies });
  await registry.resolve('registry.invalid/x:1');
  expect([own.log.length, through.log.length]).toEqual([1, 0]);
});

test('a link-local address is not asked through a proxy either', async () => {
  await using through = await proxy();
  await using registry = openRegistry({ ...quick, plainHttp: true, proxies: { http: through.url } });
  await expect(registry.resolve('169.254.169.254/x:1')).rejects.toMatchObject({ kind: 'permission_denied' });
  expect(through.log).toEqual([]);
});

test('what the environment says', () => {
  expect(proxiesOf({ HTTP_PROXY: 'a', HTTPS_PROXY: 'b', NO_PROXY: 'c' })).toEqual({
    http: 'a',
    https: 'b',
    none: 'c',
  });
  expect(proxiesOf({ HTTP_PROXY: 'A', http_proxy: 'a', https_proxy: 'b', no_proxy: 'c' })).toEqual({
    http: 'a',
    https: 'b',
    none: 'c',
  });
  // A CGI script's HTTP_PROXY comes from its client.
  expect(proxiesOf({ HTTP_PROXY: 'a', REQUEST_METHOD: 'GET' })).toEqual({});
  expect(proxiesOf({})).toEqual({});
});
