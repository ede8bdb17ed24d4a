import { mkdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { contentRoutes } from '@stowage/content/service';
import { LocalContentStore } from '@stowage/content-store';
import { silentLogger } from '@stowage/core';
import { listen } from '@stowage/rpc/server';
import { serveSnapshotter } from '@stowage/snapshots/serve';
import { addedSetting, TYPE } from './added-setting.ts';

const at = addedSetting();
const { daemon, plugin, serve, socket } = at;

test.each([
  ['no name', { name: '' }, /plugin name must not be empty/],
  ['a name that is no identifier', { name: 'a/b' }, /plugin name "a\/b"/],
  ['an unknown type', { type: 'teapot' }, /^add plugin "mine": type: expected one of snapshot/],
  ['no type', { type: '' }, /^add plugin "mine": type: is missing/],
  ['no address', { address: '' }, /address: is missing/],
  ['an address that is not absolute', { address: 'x.sock' }, /address: expected the absolute path of a unix/],
  ['an address that is too long', { address: `/${'x'.repeat(200)}` }, /is 201 bytes/],
  ['a platform that is none', { platform: 'a/b/c/d/e' }, /^add plugin "mine": platform: /],
])('what a config could not say is refused: %s', async (_, wrong, message) => {
  await using d = await daemon();
  await expect(d.plugins.add({ ...plugin('mine'), ...wrong })).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringMatching(message),
  });
  expect(await Array.fromAsync(d.plugins.list())).toEqual([]);
});

test.each(['content', 'diff', 'sandbox'])(
  'type %s is taken at the start only, and it is said what to do',
  async (type) => {
    await using _serving = await serve();
    await using d = await daemon();
    await expect(d.plugins.add(plugin('mine', { type }))).rejects.toMatchObject({
      kind: 'failed_precondition',
      message: expect.stringMatching(/put it in \/etc\/c\.toml as \[proxy_plugins\.mine\] and restart/),
    });
  },
);

test('a name that is taken is refused, saying by whom', async () => {
  await using _serving = await serve();
  await using d = await daemon({
    proxy_plugins: { known: { type: 'diff', address: '/run/known.sock' } },
    disabled_plugins: [`${TYPE}.off`],
  });
  await d.plugins.add(plugin('mine'));
  const refused = (name: string, kind: string, message: string) =>
    expect(d.plugins.add(plugin(name))).rejects.toMatchObject({
      kind,
      message: `add plugin "${name}": ${message}`,
    });
  await refused('mine', 'already_exists', `it was added before, at ${socket()}`);
  await refused('known', 'already_exists', '/etc/c.toml has [proxy_plugins.known]');
  await refused('native', 'already_exists', `${TYPE}.native is built in`);
  await refused('off', 'failed_precondition', 'disabled_plugins of /etc/c.toml names it');
  await expect(d.plugins.remove('known')).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('take [proxy_plugins.known] out of /etc/c.toml'),
  });
  const listed = (await Array.fromAsync(d.plugins.list())).map(({ name, origin }) => [name, origin]);
  expect(listed).toEqual([
    ['known', 'config'],
    ['mine', 'added'],
  ]);
});

/** A server that is none of HTTP's. */
async function rawServer(greeting: string): Promise<Server> {
  const server = createServer((connection) => {
    connection.on('error', () => connection.destroy()).resume();
    if (greeting !== '') connection.end(greeting);
  });
  await new Promise<void>((resolve) => server.listen(socket(), resolve));
  return server;
}

test('where nobody answers it is unavailable', async () => {
  await using d = await daemon();
  const refused = (message: string) =>
    expect(d.plugins.add(plugin('mine'))).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(message),
    });
  await refused(`add plugin "mine": connect to ${socket()}: there is no such socket`);
  const silent = await rawServer('');
  await refused(`${socket()} gave no answer within 500 ms`);
  await new Promise((resolve) => silent.close(resolve));
  expect(d.status('mine')).toBeUndefined();
});

test('where somebody else answers it is refused, with what that one said', async () => {
  await using d = await daemon();
  const refused = (message: RegExp) =>
    expect(d.plugins.add(plugin('mine'))).rejects.toMatchObject({ message: expect.stringMatching(message) });
  {
    await using store = await LocalContentStore.open(join(at.dir, 'blobs'));
    await using _other = await listen({ address: { path: socket() }, routes: [contentRoutes(() => store)] });
    await refused(/does not answer as a snapshotter: it serves no containerd\.services\.snapshots\.v1/);
  }
  {
    await using _other = await serve('yours');
    await refused(/does not answer as a snapshotter: snapshotter "mine" is not here; there are yours/);
  }
  const ssh = await rawServer('SSH-2.0-OpenSSH_9.2\r\n');
  await refused(/^add plugin "mine": .*far\.sock/);
  await new Promise((resolve) => ssh.close(resolve));
  expect(await Array.fromAsync(d.plugins.list())).toEqual([]);
});

test('what can not be written down is not added', async () => {
  await using _serving = await serve();
  await using d = await daemon();
  await mkdir(join(at.dir, 'added.json.new'));
  await expect(d.plugins.add(plugin('mine'))).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/added\.json: .*EISDIR/),
  });
  expect(d.status('mine')).toBeUndefined();
  await rm(join(at.dir, 'added.json.new'), { recursive: true });
  await d.plugins.add(plugin('mine'));
  expect(JSON.parse(await readFile(join(at.dir, 'added.json'), 'utf8'))).toEqual({
    version: 1,
    proxy_plugins: { mine: { type: 'snapshot', address: socket(), capabilities: [], exports: {} } },
  });
});

test('two of one name at the same time: one is added', async () => {
  await using _serving = await serve();
  await using d = await daemon();
  const results = await Promise.allSettled([d.plugins.add(plugin('mine')), d.plugins.add(plugin('mine'))]);
  expect(results).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { kind: 'already_exists' } },
  ]);
});

test('a caller that gives up leaves nothing', async () => {
  const silent = await rawServer('');
  await using d = await daemon();
  const stop = new AbortController();
  const adding = d.plugins.add(plugin('mine'), { signal: stop.signal });
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await expect(adding).rejects.toThrow('enough');
  expect(await Array.fromAsync(d.plugins.list())).toEqual([]);
  await new Promise((resolve) => silent.close(resolve));
});

test('a snapshotter that another plugin or daemon uses is refused: its snapshots would be deleted', async () => {
  await using _serving = await serve();
  const other = join(at.dir, 'other.sock');
  await using _again = await serveSnapshotter(at.far, { socket: other, log: silentLogger });
  await using d = await daemon();
  await d.plugins.add(plugin('mine'));
  await expect(d.plugins.add(plugin('yours'))).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringMatching(/plugin "mine" is at this address already.*put it in \/etc\/c\.toml as/),
  });
  await d.snapshotter('mine').prepare('k', '');
  await expect(d.plugins.add(plugin('yours', { address: other }))).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringMatching(
      /other\.sock has a snapshot "blue\/\d+\/k", that this daemon knows nothing of/,
    ),
  });
  expect((await Array.fromAsync(d.plugins.list())).map(({ name }) => name)).toEqual(['mine']);
});
