import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type TempDir, tempDir } from '@stowage/testing';
import { dockerCredentials, login, logout } from '../src/index.ts';
import { type Stub, stub } from './support/stub.ts';

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir('docker-config');
});
afterEach(async () => {
  await dir[Symbol.asyncDispose]();
});

const file = () => join(dir.path, 'config.json');
const base64 = (text: string) => Buffer.from(text).toString('base64');

async function found(config: unknown, host = 'registry.example', scheme = 'https', env = {}) {
  await writeFile(file(), typeof config === 'string' ? config : JSON.stringify(config));
  const credentialsOf = dockerCredentials({ directory: dir.path, env, helperTimeoutMs: 2000 });
  return credentialsOf({ host, origin: `${scheme}://${host}` });
}

/** A program in `bin` that notes its input, and what it may see of its surroundings. */
async function helper(name: string, script: string): Promise<Record<string, string>> {
  const bin = join(dir.path, 'bin');
  await mkdir(bin, { recursive: true });
  const path = join(bin, `docker-credential-${name}`);
  await writeFile(
    path,
    `#!/bin/sh\nset -e\nasked=$(cat)\necho "$1 $asked" >> ${dir.path}/asked\n${script}\n`,
  );
  await chmod(path, 0o755);
  return { PATH: ['relative', bin, '/usr/bin', '/bin'].join(delimiter) };
}

const asked = async () => (await readFile(join(dir.path, 'asked'), 'utf8')).trim().split('\n');
const alice = { username: 'alice', password: 'pass:word' };
const auth = { auth: base64('alice:pass:word') };

test.each<[string, unknown, unknown]>([
  ['by its name', { auths: { 'registry.example': auth } }, alice],
  ['with https', { auths: { 'https://registry.example': auth } }, alice],
  ['with a path', { auths: { 'https://registry.example/v1/': auth } }, alice],
  ['with the port of https', { auths: { 'registry.example:443': auth } }, alice],
  ['in two fields', { auths: { 'registry.example': { username: 'alice', password: 'pass:word' } } }, alice],
  [
    'as an identity',
    { auths: { 'registry.example': { ...auth, identitytoken: 'id' } } },
    { identityToken: 'id' },
  ],
  ['as a token', { auths: { 'registry.example': { registrytoken: 'tok' } } }, { registryToken: 'tok' }],
  ['for http only', { auths: { 'http://registry.example': auth } }, undefined],
  ['for another port', { auths: { 'registry.example:5000': auth } }, undefined],
  ['for a name above', { auths: { example: auth, 'ample.example': auth } }, undefined],
  ['for a name that begins with it', { auths: { 'registry.example.evil': auth } }, undefined],
  ['with the host in its user', { auths: { 'https://registry.example@evil/': auth } }, undefined],
  ['as nothing', { auths: { 'registry.example': {} } }, undefined],
  ['without a colon', { auths: { 'registry.example': { auth: base64('alice') } } }, undefined],
  ['nowhere', {}, undefined],
  ['in an empty file', '', undefined],
])('an entry %s', async (_, config, expected) => {
  expect(await found(config)).toEqual(expected);
});

test.each(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'https://index.docker.io/v1/'])(
  'Docker Hub is found as %s',
  async (key) => {
    expect(await found({ auths: { [key]: auth } }, 'docker.io')).toEqual(alice);
  },
);

test.each([
  ['no JSON', '{"auths": secret'],
  ['no object', '["secret"]'],
  ['auths that are none', '{"auths":"secret"}'],
  ['an entry that is none', '{"auths":{"registry.example":"secret"}}'],
  ['auth that is no text', '{"auths":{"registry.example":{"auth":{"secret":1}}}}'],
])('a file with %s is refused, and not quoted', async (_, text) => {
  const failed = found(text);
  await expect(failed).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringContaining(file()),
  });
  await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
});

test('a file that is far too large is not read', async () => {
  await expect(found(' '.repeat(1024 * 1024 + 1))).rejects.toMatchObject({ kind: 'resource_exhausted' });
});

test('no file is no credentials', async () => {
  const credentialsOf = dockerCredentials({ env: { DOCKER_CONFIG: join(dir.path, 'absent') } });
  expect(await credentialsOf({ host: 'x.example', origin: 'https://x.example' })).toBeUndefined();
});

test('a helper of its own counts more than the one for all, and both more than the file', async () => {
  const env = {
    ...(await helper('mine', `echo '{"ServerURL":"x","Username":"bob","Secret":"b"}'`)),
    ...(await helper('all', `echo '{"Username":"<token>","Secret":"id"}'`)),
  };
  const config = {
    credsStore: 'all',
    credHelpers: { 'registry.example': 'mine' },
    auths: { 'x.example': auth },
  };
  expect(await found(config, 'registry.example', 'https', env)).toEqual({ username: 'bob', password: 'b' });
  expect(await found(config, 'x.example', 'https', env)).toEqual({ identityToken: 'id' });
  expect(await found(config, 'docker.io', 'https', env)).toEqual({ identityToken: 'id' });
  expect(await asked()).toEqual(['get registry.example', 'get x.example', 'get https://index.docker.io/v1/']);
});

test('a helper is not told what makes it run other code', async () => {
  const env = {
    ...(await helper('env', `env > ${dir.path}/env; echo '{"Username":"a","Secret":"b"}'`)),
    LD_PRELOAD: '',
    NODE_OPTIONS: '--require=/tmp/x',
    BASH_ENV: '/tmp/x',
    AWS_PROFILE: 'work',
  };
  await found({ credsStore: 'env' }, 'registry.example', 'https', env);
  const seen = await readFile(join(dir.path, 'env'), 'utf8');
  expect(seen).toContain('AWS_PROFILE=work');
  expect(seen).not.toMatch(/LD_PRELOAD|NODE_OPTIONS|BASH_ENV/);
});

test.each<[string, string, string, RegExp]>([
  [
    'fails',
    'echo no such profile; exit 1',
    'unavailable',
    /docker-credential-h get: exit code 1: "no such profile"/,
  ],
  ['fails with half an answer', `echo '{"Secret":"sesame"'; exit 3`, 'unavailable', /get: exit code 3$/],
  ['says no JSON', 'echo sesame', 'unavailable', /no JSON$/],
  ['says no secret', `echo '{"Username":"sesame"}'`, 'unavailable', /no Username and Secret$/],
  ['never ends', 'exec sleep 60', 'unavailable', /more than 2000 ms$/],
  ['leaves somebody behind', 'sleep 60 & exit 0', 'unavailable', /more than 2000 ms$/],
  ['says without end', 'exec yes', 'resource_exhausted', /too much$/],
])('a helper that %s', async (_, script, kind, message) => {
  const env = await helper('h', script);
  const failed = found({ credsStore: 'h' }, 'registry.example', 'https', env);
  await expect(failed).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('sesame') });
});

test('a helper that has nothing is no failure', async () => {
  const env = await helper('h', 'echo credentials not found in native keychain; exit 1');
  expect(await found({ credsStore: 'h' }, 'registry.example', 'https', env)).toBeUndefined();
});

test.each([
  ['../../../bin/sh', 'invalid_argument'],
  ['absent', 'not_found'],
  ['a b', 'invalid_argument'],
])('a helper named %s is not run', async (name, kind) => {
  const env = { PATH: `relative${delimiter}/usr/bin` };
  await expect(found({ credsStore: name }, 'registry.example', 'https', env)).rejects.toMatchObject({ kind });
});

test('aborting kills a helper and rejects with the reason', async () => {
  const env = await helper('h', 'exec sleep 60');
  await writeFile(file(), '{"credsStore":"h"}');
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('enough')), 100);
  const registry = { host: 'x.example', origin: 'https://x.example' };
  const failed = dockerCredentials({ directory: dir.path, env })(registry, { signal: stop.signal });
  await expect(failed).rejects.toThrow('enough');
});

/** Lets in whoever has the password. */
function guarded(): Promise<Stub> {
  return stub((request, response) => {
    if (request.headers.authorization === `Basic ${base64('alice:pass:word')}`) response.end('{}');
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  });
}

test('a login changes its entry and nothing else, and a logout takes it away', async () => {
  await using server = await guarded();
  const before = [
    '{',
    '    "HttpHeaders": { "User-Agent": "x" },',
    '    "big": 12345678901234567890, "tiny": 1.0e-400, "__proto__": { "a": 1 },',
    '    "auths": { "other.example": { "auth": "eDp5", "email": "me" } },',
    '    "psFormat": "\\u001b"',
    '}',
  ].join('\n');
  await writeFile(file(), before, { mode: 0o644 });
  await login(server.host, alice, { directory: dir.path });
  const after = await readFile(file(), 'utf8');
  expect(after).toContain('\n    "HttpHeaders"');
  expect(after).toContain('12345678901234567890');
  expect(after).toContain('1.0e-400');
  expect(Object.keys(JSON.parse(after))).toEqual(Object.keys(JSON.parse(before)));
  expect(JSON.parse(after)).toEqual({
    ...JSON.parse(before),
    auths: { 'other.example': { auth: 'eDp5', email: 'me' }, [server.host]: auth },
  });
  expect(Object.hasOwn(JSON.parse(after), '__proto__')).toBe(true);
  expect((await stat(file())).mode & 0o777).toBe(0o600);
  expect(await readdir(dir.path)).toEqual(['config.json']);
  await logout(server.host, { directory: dir.path });
  expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(JSON.parse(before));
  await logout(server.host, { directory: dir.path });
});

test('a first login makes the directory, for nobody else to read', async () => {
  await using server = await guarded();
  const directory = join(dir.path, 'new', '.docker');
  await login(server.host, alice, { directory });
  expect((await stat(join(directory, 'config.json'))).mode & 0o777).toBe(0o600);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  const registry = { host: server.host, origin: server.origin };
  expect(await dockerCredentials({ directory })(registry)).toEqual(alice);
});

test('where the config is a link, what it leads to is changed', async () => {
  await using server = await guarded();
  const target = join(dir.path, 'real.json');
  await writeFile(target, '{}');
  await symlink(target, file());
  await login(server.host, alice, { directory: dir.path });
  expect(JSON.parse(await readFile(target, 'utf8'))).toEqual({ auths: { [server.host]: auth } });
});

test('a helper keeps what it is given, and forgets it', async () => {
  await using server = await guarded();
  const env = await helper('h', '');
  await writeFile(file(), '{"credsStore":"h"}');
  const options = { directory: dir.path, env };
  expect(await login(server.host, alice, options)).toEqual({
    keptBy: 'docker-credential-h',
    isProtected: true,
  });
  expect(await readFile(file(), 'utf8')).not.toContain(auth.auth);
  expect(JSON.parse(await readFile(file(), 'utf8')).auths).toEqual({ [server.host]: {} });
  await logout(server.host, options);
  expect(JSON.parse(await readFile(file(), 'utf8')).auths).toEqual({});
  const stored = JSON.stringify({ ServerURL: server.host, Username: 'alice', Secret: 'pass:word' });
  expect(await asked()).toEqual([`store ${stored}`, `erase ${server.host}`]);
});

test('a helper that cannot keep them fails the login, without telling them', async () => {
  await using server = await guarded();
  const env = await helper('h', 'cat >&2; echo "no room for pass:word"; exit 1');
  await writeFile(file(), '{"credsStore":"h"}');
  const failed = login(server.host, alice, { directory: dir.path, env });
  await expect(failed).rejects.toMatchObject({ kind: 'unavailable' });
  await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('pass:word') });
});

test('what the registry refuses is not kept, and a broken config is not touched', async () => {
  await using server = await guarded();
  const wrong = login(server.host, { ...alice, password: 'wrong' }, { directory: dir.path });
  await expect(wrong).rejects.toMatchObject({ kind: 'unauthenticated' });
  await expect(stat(file())).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(file(), '{ broken');
  const broken = login(server.host, alice, { directory: dir.path });
  await expect(broken).rejects.toMatchObject({ kind: 'invalid_argument' });
  expect(await readFile(file(), 'utf8')).toBe('{ broken');
});

test.each([
  ['no user', { username: '', password: 'x' }],
  ['no password', { username: 'x', password: '' }],
  ['a colon in the user', { username: 'a:b', password: 'x' }],
  ['a line break in the password', { username: 'a', password: 'x\ny: z' }],
  ['an empty token', { identityToken: '' }],
])('a login with %s is refused before anybody is asked', async (_, credentials) => {
  await using server = await guarded();
  await expect(login(server.host, credentials, { directory: dir.path })).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  expect(server.log).toHaveLength(0);
});

test.each(['', 'busybox', 'registry.example/path', 'https://registry.example', 'a b'])(
  'a login to %j is refused',
  async (host) => {
    await expect(login(host, alice, { directory: dir.path })).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
  },
);
