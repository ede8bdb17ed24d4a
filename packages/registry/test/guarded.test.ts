import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type Descriptor, digestOf, MEDIA_TYPE } from '@stowage/core';
import { type TempDir, tempDir } from '@stowage/testing';
import {
  type Credentials,
  dockerCredentials,
  hostsDirectory,
  login,
  logout,
  openRegistry,
  type RegistryOptions,
} from '../src/index.ts';
import { type Certificates, certificates } from './support/certificates.ts';
import { guardedRegistry } from './support/guarded-registry.ts';
import { bytesOf } from './support/stub.ts';
import { REFRESH_TOKEN, type TokenServer, tokenServer, USER } from './support/token-server.ts';

let certs: Certificates;
let tokens: TokenServer;
let servers: Record<'password' | 'token', Awaited<ReturnType<typeof guardedRegistry>>>;
let config: TempDir;

beforeAll(async () => {
  certs = await certificates();
  tokens = await tokenServer(certs);
  const [password, token] = await Promise.all([
    guardedRegistry({ certificates: certs }),
    guardedRegistry({ certificates: certs, tokens }),
  ]);
  servers = { password, token };
});

beforeEach(async () => {
  config = await tempDir('docker-config');
  tokens.lifeSeconds = 300;
});

afterEach(async () => {
  await config[Symbol.asyncDispose]();
});

afterAll(async () => {
  await servers?.password[Symbol.asyncDispose]();
  await servers?.token[Symbol.asyncDispose]();
  await tokens?.[Symbol.asyncDispose]();
  await certs?.[Symbol.asyncDispose]();
});

const settings = (): RegistryOptions => ({ ca: certs.ca, plainHttp: false, retryDelayMs: 20 });
const kept = () => dockerCredentials({ directory: config.path });
const as = (credentials: Credentials | undefined) =>
  openRegistry({ ...settings(), credentials: () => credentials });

const LAYER = Buffer.alloc(200_000, 'layer ');
const layer: Descriptor = {
  mediaType: MEDIA_TYPE.ociLayer,
  digest: digestOf(LAYER),
  size: BigInt(LAYER.byteLength),
};
const empty: Descriptor = { mediaType: MEDIA_TYPE.ociConfig, digest: digestOf('{}'), size: 2n };
const MANIFEST = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: { ...empty, size: 2 },
    layers: [{ ...layer, size: LAYER.byteLength }],
  }),
);

async function* read(bytes: Uint8Array, offset: bigint) {
  yield bytes.subarray(Number(offset));
}

test.each(['password', 'token'] as const)(
  'log in, push whole, in chunks and by mounting, list, pull, delete, log out (%s)',
  async (guard) => {
    const { host } = servers[guard];
    const loggedIn = await login(host, USER, { registry: settings(), directory: config.path });
    expect(loggedIn).toEqual({ keptBy: join(config.path, 'config.json'), isProtected: false });
    await using registry = openRegistry({ ...settings(), credentials: kept() });
    await registry.check(host);
    const name = `${host}/private/image`;
    const push = (to: string, more: object = {}) =>
      registry.pushBlob(`${host}/${to}`, layer, (offset) => read(LAYER, offset), more);
    expect(await push('private/image')).toBe('sent');
    expect(await push('private/chunks', { chunkBytes: 70_000 })).toBe('sent');
    expect(await push('private/mounted', { mountFrom: ['private/image'] })).toBe('mounted');
    await registry.pushBlob(name, empty, (offset) => read(Buffer.from('{}'), offset));
    await registry.pushManifest(`${name}:v1`, { mediaType: MEDIA_TYPE.ociManifest, bytes: MANIFEST });
    expect(await Array.fromAsync(registry.tags(name))).toEqual(['v1']);

    // Somebody who starts anew.
    await using other = openRegistry({ ...settings(), credentials: kept() });
    const { descriptor } = await other.resolve(`${name}:v1`);
    expect(descriptor.digest).toBe(digestOf(MANIFEST));
    expect((await bytesOf(other.fetch(name, layer, { offset: 10n }))).equals(LAYER.subarray(10))).toBe(true);
    expect(await Array.fromAsync(other.referrers(name, descriptor.digest))).toEqual([]);
    await other.delete(`${name}@${descriptor.digest}`);
    await expect(other.resolve(`${name}:v1`)).rejects.toMatchObject({ kind: 'not_found' });

    await logout(host, { directory: config.path });
    await using stranger = openRegistry({ ...settings(), credentials: kept() });
    await expect(bytesOf(stranger.fetch(name, layer))).rejects.toMatchObject({
      kind: expect.stringMatching(/unauthenticated|permission_denied/),
    });
  },
);

test.each(['password', 'token'] as const)(
  'wrong credentials are refused and not kept (%s)',
  async (guard) => {
    const { host } = servers[guard];
    const wrong = { username: 'alice', password: 'wrong battery' };
    const refused = login(host, wrong, { registry: settings(), directory: config.path });
    await expect(refused).rejects.toMatchObject({ kind: 'unauthenticated' });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('battery') });
    await expect(stat(join(config.path, 'config.json'))).rejects.toMatchObject({ code: 'ENOENT' });
    await using registry = as(wrong);
    await expect(registry.check(host)).rejects.toMatchObject({ kind: 'unauthenticated' });
  },
);

test('the token that a realm gives at a login is kept in place of the password', async () => {
  const { host } = servers.token;
  await login(host, USER, { registry: settings(), directory: config.path });
  const text = await readFile(join(config.path, 'config.json'), 'utf8');
  expect(JSON.parse(text)).toEqual({ auths: { [host]: { identitytoken: REFRESH_TOKEN } } });
  await using registry = openRegistry({ ...settings(), credentials: kept() });
  const before = tokens.log.length;
  await registry.check(host);
  expect(tokens.log.slice(before)).toMatchObject([{ method: 'POST', who: 'alice' }]);
});

test('a token that has run out is got anew, once for all who want it', async () => {
  tokens.lifeSeconds = 1;
  const { host } = servers.token;
  await using registry = as(USER);
  const name = `${host}/private/expiring`;
  await registry.pushBlob(name, layer, (offset) => read(LAYER, offset));
  await new Promise((resolve) => setTimeout(resolve, 1200));
  const before = tokens.log.length;
  await Promise.all([1, 2, 3].map(async () => bytesOf(registry.fetch(name, layer))));
  expect(tokens.log.slice(before)).toEqual([
    { method: 'GET', who: 'alice', scopes: ['repository:private/expiring:pull'] },
  ]);
});

test('without credentials only what is public is had', async () => {
  const { host } = servers.token;
  await using alice = as(USER);
  for (const where of ['public/x', 'private/x'])
    await alice.pushBlob(`${host}/${where}`, layer, (offset) => read(LAYER, offset));
  await using nobody = as(undefined);
  expect(await bytesOf(nobody.fetch(`${host}/public/x`, layer))).toHaveLength(LAYER.byteLength);
  await expect(bytesOf(nobody.fetch(`${host}/private/x`, layer))).rejects.toMatchObject({
    kind: 'unauthenticated',
  });
  await expect(
    nobody.pushBlob(`${host}/public/x`, { ...layer, digest: digestOf('new') }, (o) => read(LAYER, o)),
  ).rejects.toMatchObject({ kind: 'unauthenticated' });
});

test('a registry by TLS is found by hosts.toml, with its authority and a mirror that is down', async () => {
  const { host } = servers.password;
  await mkdir(join(config.path, 'registry.invalid'));
  const toml = [
    `server = "https://${host}"`,
    `ca = "${certs.path('ca.crt')}"`,
    '[host."https://127.0.0.1:1"]',
    'capabilities = ["pull", "resolve"]',
  ];
  await writeFile(join(config.path, 'registry.invalid', 'hosts.toml'), toml.join('\n'));
  const endpoints = hostsDirectory(config.path);
  await using registry = openRegistry({ endpoints, credentials: () => USER });
  const name = 'registry.invalid/hosts/toml';
  expect(await registry.pushBlob(name, layer, (offset) => read(LAYER, offset))).toBe('sent');
  expect(await bytesOf(registry.fetch(name, layer))).toHaveLength(LAYER.byteLength);
});

test('a password that takes its time to be found is used by all who asked for it meanwhile', async () => {
  let asked = 0;
  const credentials = async () => {
    asked++;
    await new Promise((resolve) => setTimeout(resolve, 20 * asked));
    return USER;
  };
  await using registry = openRegistry({ ...settings(), credentials });
  const blobs = Array.from({ length: 4 }, (_, i) => Buffer.from(`blob ${i}`));
  const pushed = await Promise.all(
    blobs.map((bytes) => {
      const blob = {
        mediaType: MEDIA_TYPE.ociLayer,
        digest: digestOf(bytes),
        size: BigInt(bytes.byteLength),
      };
      const open = async function* (offset: bigint) {
        yield bytes.subarray(Number(offset));
      };
      return registry.pushBlob(`${servers.password.host}/slow/password`, blob, open);
    }),
  );
  expect(pushed).toEqual(blobs.map(() => 'sent'));
  expect(asked).toBeGreaterThan(1);
});
