import type { RequestListener } from 'node:http';
import { networkInterfaces } from 'node:os';
import { expect, test } from '@jest/globals';
import { openRegistry, type RegistryOptions, sourceRepositories } from '../src/index.ts';
import { isTrustedRealm } from '../src/realm.ts';
import { scopesOf } from '../src/scopes.ts';
import { BLOB, blobDescriptor, bytesOf, healthy, stub } from './support/stub.ts';

const quick: RegistryOptions = { retryDelayMs: 5, idleTimeoutMs: 1000 };
const alice = { username: 'alice', password: 'secret' };
const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`;

test.each([
  ['https://reg.example', 'https://reg.example/token', true],
  ['https://reg.example', 'https://reg.example:8443/token', true],
  ['https://reg.example', 'https://auth.reg.example/', true],
  ['https://reg.example.org', 'https://example.org/', true],
  ['https://registry-1.docker.io', 'https://auth.docker.io/token', true],
  ['https://reg.example', 'https://listed.example/', true],
  ['http://127.0.0.1:5000', 'http://127.0.0.1:5001/', true],
  ['https://reg.example.org', 'https://auth.example.org/', false],
  ['https://alice.github.io', 'https://mallory.github.io/', false],
  ['https://reg.example', 'https://example/', false],
  ['https://reg.example', 'https://evilreg.example/', false],
  ['https://reg.example', 'https://reg.example.evil/', false],
  ['https://auth.docker.io', 'https://registry-1.docker.io/', false],
  ['https://other.example', 'https://auth.docker.io/token', false],
  ['http://reg.example', 'http://auth.reg.example/', false],
  ['http://127.0.0.1:5000', 'http://127.0.0.2:5000/', false],
  ['https://1.2.3.4', 'https://2.3.4/', false],
  ['https://2.3.4.5', 'https://1.2.3.4.5.example/', false],
])('of %s, the realm %s may see credentials: %s', (origin, realm, expected) => {
  expect(isTrustedRealm({ origin }, new URL(realm), ['listed.example'])).toBe(expected);
});

test('a token is wanted for what is asked and what the registry names besides', () => {
  const wanted = [{ repository: 'a/b', actions: ['push', 'pull'] as const }];
  expect(scopesOf(wanted, 'repository:a/b:pull repository:c:pull registry:catalog:*')).toEqual([
    'repository:a/b:pull,push',
    'repository:c:pull',
    'registry:catalog:*',
  ]);
  expect(scopesOf(wanted, 'nonsense')).toEqual(['repository:a/b:pull,push']);
  expect(scopesOf([], undefined)).toEqual([]);
});

/** Wants a token of its own realm, which answers so. */
function wanting(realm: RequestListener): RequestListener {
  return (request, response) => {
    if (request.url?.startsWith('/token')) realm(request, response);
    else if (request.headers.authorization === 'Bearer good') healthy(request, response);
    else {
      const challenge = `Bearer realm="http://${request.headers.host}/token",service="s"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
  };
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  return (await bytesOf(stream)).toString();
}

test('a realm that knows no GET is asked by POST', async () => {
  let form = '';
  await using server = await stub(
    wanting((request, response) => {
      if (request.method === 'GET') return void response.writeHead(405).end();
      void textOf(request).then((text) => {
        form = text;
        response.end('{"access_token":"good"}');
      });
    }),
  );
  await using registry = openRegistry({ ...quick, credentials: () => alice });
  await registry.resolve(`${server.host}/x:1`);
  expect(Object.fromEntries(new URLSearchParams(form))).toEqual({
    grant_type: 'password',
    ...alice,
    client_id: 'stowage',
    service: 's',
    scope: 'repository:x:pull',
  });
  const posts = server.log.filter(({ line }) => line.startsWith('POST'));
  expect(posts.map(({ headers }) => headers.authorization)).toEqual([undefined]);
});

test('a realm that is busy is asked again', async () => {
  let times = 0;
  await using server = await stub(
    wanting(
      (_, response) => void (++times < 3 ? response.writeHead(503).end() : response.end('{"token":"good"}')),
    ),
  );
  await using registry = openRegistry(quick);
  await registry.resolve(`${server.host}/x:1`);
  expect(times).toBe(3);
});

test('many who want the same token get it by one request', async () => {
  await using server = await stub(wanting((_, response) => void response.end('{"token":"good"}')));
  await using registry = openRegistry({ ...quick, credentials: () => alice });
  const fetches = [1, 2, 3, 4, 5].map(() => bytesOf(registry.fetch(`${server.host}/x:1`, blobDescriptor)));
  for (const bytes of await Promise.all(fetches)) expect(bytes.equals(BLOB)).toBe(true);
  const tokens = server.log.filter(({ line }) => line.startsWith('GET /token'));
  expect(tokens.map(({ headers }) => headers.authorization)).toEqual([basic]);
});

test('one who gives up does not take the token from the others', async () => {
  await using server = await stub(
    wanting((_, response) => void setTimeout(() => response.end('{"token":"good"}'), 100)),
  );
  await using registry = openRegistry(quick);
  const stop = new AbortController();
  const given = registry.resolve(`${server.host}/x:1`, { signal: stop.signal });
  const other = registry.resolve(`${server.host}/x:2`);
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await expect(given).rejects.toThrow('enough');
  await other;
});

test('a client with one place for requests gets its token too', async () => {
  await using server = await stub(wanting((_, response) => void response.end('{"token":"good"}')));
  await using registry = openRegistry({ ...quick, maxConcurrent: 1 });
  await registry.resolve(`${server.host}/x:1`);
});

test('a token that is known is sent as it is', async () => {
  await using server = await stub(
    wanting(() => {
      throw new Error('the realm was asked');
    }),
  );
  await using registry = openRegistry({ ...quick, credentials: () => ({ registryToken: 'good' }) });
  await registry.resolve(`${server.host}/x:1`);
  await using wrong = openRegistry({ ...quick, credentials: () => ({ registryToken: 'bad' }) });
  await expect(wrong.resolve(`${server.host}/x:1`)).rejects.toMatchObject({ kind: 'unauthenticated' });
});

test('credentials are asked for by host and origin, and of a mirror by its own', async () => {
  const asked: unknown[] = [];
  const wantsPassword: RequestListener = (_, response) =>
    void response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
  await using mirror = await stub(wantsPassword);
  await using origin = await stub(wantsPassword);
  await using registry = openRegistry({
    ...quick,
    endpoints: () => [{ origin: mirror.origin }, { origin: origin.origin }],
    credentials: (registry) => {
      asked.push(registry);
      return registry.host === origin.host ? alice : undefined;
    },
  });
  await expect(registry.resolve('registry.invalid/x:1')).rejects.toMatchObject({ kind: 'unauthenticated' });
  expect(asked).toContainEqual({ host: mirror.host, origin: mirror.origin });
  expect(mirror.log.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  expect(origin.log.at(-1)?.headers.authorization).toBe(basic);
});

test('credentials that cannot be found fail the request with their own error', async () => {
  await using server = await stub(wanting((_, response) => void response.end('{"token":"good"}')));
  const credentials = () => Promise.reject(new Error('locked'));
  await using registry = openRegistry({ ...quick, credentials });
  await expect(registry.resolve(`${server.host}/x:1`)).rejects.toThrow('locked');
});

test('no more requests go to one host than allowed, and another is not kept waiting', async () => {
  let [now, most] = [0, 0];
  await using busy = await stub((request, response) => {
    most = Math.max(most, ++now);
    setTimeout(() => {
      now--;
      healthy(request, response);
    }, 50);
  });
  await using idle = await stub(healthy);
  await using registry = openRegistry({ ...quick, maxConcurrent: 4, maxConcurrentPerHost: 2 });
  const many = [1, 2, 3, 4, 5, 6].map((n) => registry.resolve(`${busy.host}/x:${n}`));
  let isBusy = true;
  const all = Promise.all(many).finally(() => {
    isBusy = false;
  });
  await registry.resolve(`${idle.host}/x:1`);
  expect(isBusy).toBe(true);
  await all;
  expect(most).toBe(2);
});

test('where a blob came from is read from its label', () => {
  const labels = { 'containerd.io/distribution.source.reg.example': 'a/b,../evil,C,c', other: 'x' };
  expect(sourceRepositories(labels, 'reg.example:5000')).toEqual(['a/b', 'c']);
  expect(sourceRepositories(labels, 'other')).toEqual([]);
});

test('a realm on this machine is asked by a registry elsewhere only where it is listed', async () => {
  const [outside] = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  // Without a network there is no elsewhere.
  if (outside === undefined) return;
  await using realm = await stub((_, response) => void response.end('{"token":"good"}'));
  await using server = await stub((request, response) => {
    const challenge = `Bearer realm="${realm.origin}/token",service="s"`;
    if (request.headers.authorization === 'Bearer good') healthy(request, response);
    else response.writeHead(401, { 'www-authenticate': challenge }).end();
  }, outside.address);
  const options = { ...quick, plainHttp: true, credentials: () => alice };
  await using wary = openRegistry(options);
  await expect(wary.resolve(`${server.host}/x:1`)).rejects.toMatchObject({ kind: 'permission_denied' });
  expect(realm.log).toHaveLength(0);
  await using trusting = openRegistry({ ...options, realms: [realm.host] });
  await trusting.resolve(`${server.host}/x:1`);
  expect(realm.log[0]?.headers.authorization).toBe(basic);
});
