import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadConfig, parseConfig } from '../src/config/load.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stowage-config-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

test('without a file, the defaults', async () => {
  expect(parseConfig({}, 'x')).toMatchObject({
    root: '/var/lib/stowage',
    state: '/run/stowage',
    address: '/run/stowage/stowage.sock',
    logLevel: 'info',
    pluginDir: '/var/lib/stowage/plugins/node_modules',
  });
});

test('flags win over the file; the socket follows the state', async () => {
  const config = await file('a.toml', 'version = 2\nroot = "/a"\nstate = "/b"\n[debug]\nlevel = "warn"\n');
  expect(await loadConfig({ config })).toMatchObject({
    root: '/a',
    state: '/b',
    address: '/b/stowage.sock',
    logLevel: 'warn',
  });
  expect(await loadConfig({ config, root: '/c', state: '/d', logLevel: 'debug' })).toMatchObject({
    root: '/c',
    address: '/d/stowage.sock',
    logLevel: 'debug',
  });
});

test('a file of version 4 names the socket in the table of the server plugin', () => {
  const table = { version: 4, plugins: { 'io.containerd.server.v1.grpc': { address: '/x.sock' } } };
  expect(parseConfig(table, 'x')).toMatchObject({ address: '/x.sock' });
});

test('imports are merged: tables by key, lists of plugins add up, later files win', async () => {
  await file('one.toml', 'root = "/one"\ndisabled_plugins = ["b"]\n[plugins."p.v1.x"]\nsecond = 2\n');
  const config = await file(
    'main.toml',
    'version = 3\nroot = "/main"\nimports = ["on*.toml"]\ndisabled_plugins = ["a"]\n[plugins."p.v1.x"]\nfirst = 1\n',
  );
  expect(await loadConfig({ config })).toMatchObject({
    root: '/one',
    disabledPlugins: ['a', 'b'],
    plugins: { 'p.v1.x': { first: 1, second: 2 } },
  });
});

test('files that import each other are read once each', async () => {
  await file('loop-b.toml', 'imports = ["loop-a.toml"]\nstate = "/b"\n');
  const config = await file('loop-a.toml', 'version = 3\nimports = ["loop-b.toml"]\n');
  expect(await loadConfig({ config })).toMatchObject({ state: '/b' });
});

test('keys that mean something to containerd only are told', () => {
  const grpc = { max_recv_message_size: 5 };
  const { ignored } = parseConfig({ oom_score: 5, grpc, timeouts: {} }, 'the-file');
  expect(ignored).toEqual([['grpc', 'max_recv_message_size'], ['oom_score'], ['timeouts']]);
});

test('stream processors at the top are the differ’s, whose own count more', () => {
  const [one, two] = [{ path: '/one' }, { path: '/two' }];
  const differ = 'io.containerd.differ.v1.walking';
  const { plugins, ignored } = parseConfig(
    {
      stream_processors: { a: one, b: one },
      plugins: { [differ]: { gzip_level: 1, stream_processors: { b: two } } },
    },
    'f',
  );
  expect(plugins[differ]).toEqual({ gzip_level: 1, stream_processors: { a: one, b: two } });
  expect(ignored).toEqual([]);
  expect(parseConfig({ stream_processors: { a: one } }, 'f').plugins[differ]).toEqual({
    stream_processors: { a: one },
  });
});

test('proxy plugins are checked', () => {
  const proxy = {
    type: 'snapshot',
    address: 'unix:///run/x.sock',
    capabilities: ['rebase'],
    exports: { root: '/r' },
  };
  expect(parseConfig({ proxy_plugins: { mine: proxy } }, 'f').proxyPlugins.mine).toEqual({
    type: 'snapshot',
    address: '/run/x.sock',
    capabilities: ['rebase'],
    exports: { root: '/r' },
    platform: undefined,
  });
  expect(() => parseConfig({ proxy_plugins: { mine: { type: 'teapot', address: '/x' } } }, 'f')).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/^f: proxy_plugins\.mine\.type: expected one of snapshot/),
    }),
  );
  expect(() => parseConfig({ proxy_plugins: { mine: { type: 'snapshot' } } }, 'f')).toThrow(
    /address: is missing/,
  );
  expect(() => parseConfig({ proxy_plugins: { mine: { ...proxy, platform: 'a/b/c/d/e' } } }, 'f')).toThrow(
    expect.objectContaining({
      kind: 'invalid_argument',
      message: expect.stringMatching(/^f: proxy_plugins\.mine\.platform: /),
    }),
  );
});

test('a named file that is not there is not_found', async () => {
  await expect(loadConfig({ config: join(dir, 'absent.toml') })).rejects.toMatchObject({ kind: 'not_found' });
});

test('__proto__ is a key like any other', () => {
  const table = JSON.parse('{"plugins":{"__proto__":{"a":1}}}') as Record<string, unknown>;
  expect(Object.keys(parseConfig(table, 'f').plugins)).toEqual(['__proto__']);
});

test('what an import names must be there; a pattern may match nothing', async () => {
  const good = await file('pattern.toml', 'version = 3\nimports = ["no-such-*.toml"]\n');
  await loadConfig({ config: good });
  const bad = await file('named.toml', 'version = 3\nimports = ["no-such.toml"]\n');
  await expect(loadConfig({ config: bad })).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining(join(dir, 'no-such.toml')),
  });
});

test('paths in a file are absolute, paths of flags are those of the shell', () => {
  for (const table of [
    { root: 'a' },
    { state: './a' },
    { plugin_dir: 'node_modules' },
    { grpc: { address: 'a.sock' } },
    { proxy_plugins: { p: { type: 'snapshot', address: 'a.sock' } } },
  ]) {
    expect(() => parseConfig(table, 'f')).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
  }
  expect(parseConfig({}, 'f', { root: 'a', state: 'b', address: 'unix://c.sock' })).toMatchObject({
    root: resolve('a'),
    state: resolve('b'),
    address: resolve('c.sock'),
  });
  expect(parseConfig({ grpc: { address: 'unix:///c.sock' } }, 'f').address).toBe('/c.sock');
});

test('root and state are two directories', () => {
  expect(() => parseConfig({ root: '/a', state: '/a' }, 'f')).toThrow(
    /^f: state: must not be the same as root/,
  );
});

test('empty is the default where containerd prints it', () => {
  const table = { grpc: { address: '' }, debug: { level: '' }, plugin_dir: '' };
  expect(parseConfig(table, 'f')).toMatchObject({ address: '/run/stowage/stowage.sock', logLevel: 'info' });
});

const files = { tcp_tls_cert: '/c.pem', tcp_tls_key: '/k.pem', tcp_tls_ca: '/a.pem' };

test('TCP is served to who has a certificate', () => {
  expect(parseConfig({}, 'x').tcp).toBeUndefined();
  expect(parseConfig({ grpc: { tcp_address: '' } }, 'x').tcp).toBeUndefined();
  const web = { tcp_origins: ['https://ops.example'], tcp_hosts: ['node1'] };
  const grpc = { tcp_address: '[::1]:2376', ...files, tcp_tls_common_name: 'ops', ...web };
  expect(parseConfig({ grpc }, 'x').tcp).toEqual({
    ...{ host: '::1', port: 2376, cert: '/c.pem', key: '/k.pem', ca: '/a.pem', commonName: 'ops' },
    ...{ origins: ['https://ops.example'], hosts: ['node1'] },
  });
});

test.each([
  [{ tcp_address: '127.0.0.1:2376' }, /tcp_address: needs tcp_tls_cert, tcp_tls_key and tcp_tls_ca/],
  [{ tcp_address: '127.0.0.1', ...files }, /tcp_address: expected <host>:<port>/],
  [{ tcp_address: '127.0.0.1:99999', ...files }, /tcp_address: expected <host>:<port>/],
  [{ tcp_address: 'a:1', ...files, tcp_origins: ['*'] }, /tcp_origins: expected origins/],
  [{ tcp_tls_ca: 'relative' }, /tcp_tls_ca: expected an absolute path/],
])('of TCP is refused: %j', (grpc, message) => {
  expect(() => parseConfig({ grpc }, 'x')).toThrow(message);
});
