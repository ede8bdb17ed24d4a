import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { ctr, Daemon, demoArchive, mustCtr, until } from '@stowage/testing';
import { mustStowage, stowage } from '../cli.ts';
import { type Peer, startPeer } from '../peers/start.ts';
import { withTempDir } from '../suite.ts';

// A snapshotter in another process that joins a daemon while that runs. The tests go on from each other.

const suite = withTempDir('plugins-add');
const IMAGE = 'docker.io/library/demo:1';

let daemon: Daemon;
let peer: Peer | undefined;
let archive: string;

const socket = () => join(suite.dir, 'far.sock');
const folder = () => join(suite.dir, 'far');
const c = (...args: string[]) => mustCtr(daemon.address, args);
const plugins = (...args: string[]) => stowage(daemon.address, ['plugins', ...args]);
const must = (...args: string[]) => mustStowage(daemon.address, ['plugins', ...args]);
const proxies = async () => (await must('ls', '--proxies')).trimEnd().split('\n').slice(1);
const run = (id: string, ...args: string[]) => c('run', '--rm', '--snapshotter', 'far', IMAGE, id, ...args);

/** Names of the folders in which the other process keeps snapshots. */
const kept = () => readdir(join(folder(), 'snapshots'));

async function startFar(): Promise<void> {
  peer = await startPeer('serve-snapshotter', [socket(), folder()]);
}

async function killDaemon(): Promise<void> {
  await daemon.stop('SIGKILL');
  await daemon.start();
}

beforeAll(async () => {
  archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  const config = join(suite.dir, 'config.toml');
  await writeFile(config, 'version = 3\n[proxy_plugins.known]\ntype = "diff"\naddress = "/run/known.sock"\n');
  daemon = await Daemon.start({ dir: join(suite.dir, 'd'), config });
  await startFar();
}, 60_000);
suite.before(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await peer?.[Symbol.asyncDispose]();
});

test('what can not be used is refused, each with its reason, and nothing of it is left', async () => {
  const absent = join(suite.dir, 'absent.sock');
  for (const [args, message] of [
    [['x', '--address', absent], `add plugin "x": connect to ${absent}: there is no such socket`],
    [['x', '--address', daemon.address], `${daemon.address} does not answer as a snapshotter`],
    [['overlayfs', '--address', socket()], 'io.containerd.snapshotter.v1.overlayfs is built in'],
    [['known', '--address', socket()], 'config.toml has [proxy_plugins.known]'],
    [['x', '--address', socket(), '--type', 'diff'], 'taken at the start only; put it in'],
    [['x', '--address', socket(), '--platform', 'a/b/c/d/e'], 'add plugin "x": platform:'],
    [['x', '--address', socket(), '--export', 'root'], '--export "root": expected key=value'],
    [['x/y', '--address', socket()], 'plugin name "x/y"'],
  ] as const) {
    const { code, stderr } = await plugins('add', ...args);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('Start it with: stowaged');
    expect(code).toBe(1);
  }
  expect(await proxies()).toEqual([expect.stringMatching(/^io\.containerd\.differ\.v1 +known +ok +config/)]);
});

test('once added, clients use it at once: images are unpacked into it, and containers run on it', async () => {
  const more = ['--capability', 'rebase', '--export', 'root=/far'];
  expect(await must('add', 'far', '--type', 'snapshot', '--address', socket(), ...more)).toBe('far\n');
  expect(await c('plugins', 'ls')).toMatch(/io\.containerd\.snapshotter\.v1\s+far\s+\S+\s+ok/);
  const [, line] = await proxies();
  expect(line).toMatch(/^io\.containerd\.snapshotter\.v1 +far +ok +added +\S+far\.sock$/);
  const rows = (await must('ls', '--json')).trimEnd().split('\n');
  const told = rows.map((row) => JSON.parse(row) as { id: string }).find(({ id }) => id === 'far');
  expect(told).toMatchObject({
    state: 'ok',
    from: 'added',
    address: socket(),
    capabilities: ['rebase'],
    exports: { root: '/far' },
  });
  await c('images', 'import', '--snapshotter', 'far', archive);
  expect(await run('first', 'echo', 'hello')).toBe('hello\n');
  expect((await kept()).length).toBeGreaterThan(0);
  expect((await plugins('add', 'far', '--address', socket())).stderr).toContain('it was added before, at');
});

test('it is there after the daemon was killed, with the containers that run on it', async () => {
  await c('run', '--detach', '--snapshotter', 'far', IMAGE, 'stays', 'sleep', '600');
  await killDaemon();
  expect(await proxies()).toHaveLength(2);
  expect(await c('tasks', 'ls')).toMatch(/stays\s+\d+\s+RUNNING/);
  expect(await c('tasks', 'exec', '--exec-id', 'e', 'stays', 'echo', 'still')).toBe('still\n');
  expect(await run('second', 'echo', 'again')).toBe('again\n');
});

test('one that was answered for is there though the daemon is killed right then', async () => {
  const other = join(suite.dir, 'other.sock');
  await using _other = await startPeer('serve-snapshotter', [other, join(suite.dir, 'other')]);
  await must('add', 'other', '--address', other);
  await killDaemon();
  expect(await proxies()).toContainEqual(expect.stringMatching(/ other +ok +added/));
  expect(await must('rm', 'other')).toBe('other\n');
  await killDaemon();
  expect(await proxies()).toHaveLength(2);
});

test('while its process is away calls say so by the name of the socket; they go on once it is back', async () => {
  await peer?.kill();
  const away = await ctr(daemon.address, ['snapshots', '--snapshotter', 'far', 'prepare', 'k']);
  expect(away.code).not.toBe(0);
  expect(away.stderr).toContain(socket());
  expect(await proxies()).toHaveLength(2);
  await startFar();
  await c('snapshots', '--snapshotter', 'far', 'prepare', 'k');
  await c('snapshots', '--snapshotter', 'far', 'rm', 'k');
  expect(await run('third', 'echo', 'back')).toBe('back\n');
});

test('it is not removed while something is recorded of it, and it is said what and where', async () => {
  await c('-n', 'blue', 'snapshots', '--snapshotter', 'far', 'prepare', 'work');
  await c('-n', 'blue', 'snapshots', '--snapshotter', 'far', 'label', 'work', 'containerd.io/gc.root=now');
  const { code, stderr } = await plugins('rm', 'far');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    new RegExp(
      `remove plugin "far": snapshotter "far" is in use: 1 snapshot in namespace blue; \\d+ snapshots and 1 container in namespace ${suite.namespace}`,
    ),
  );
  expect(await run('fourth', 'echo', 'still here')).toBe('still here\n');
  expect((await plugins('rm', 'known')).stderr).toContain('take [proxy_plugins.known] out of');
  expect((await plugins('rm', 'overlayfs', 'nobody')).stderr).toMatch(
    /"overlayfs": no plugin.*\n.*"nobody": no/,
  );
});

test('garbage collection sees it as it does others', async () => {
  await c('tasks', 'kill', '--signal', 'SIGKILL', 'stays');
  await until('its end', async () => /stays\s+\d+\s+STOPPED/.test(await c('tasks', 'ls')));
  await c('tasks', 'rm', 'stays');
  await c('containers', 'rm', 'stays');
  await c('-n', 'blue', 'snapshots', '--snapshotter', 'far', 'rm', 'work');
  await c('images', 'rm', '--sync', IMAGE);
  await until('all of it to be deleted', async () => (await kept()).length === 0);
});

test('a file that is damaged is told, and stops nobody; what was in the plugin is there once it is added again', async () => {
  await c('images', 'import', '--snapshotter', 'far', archive);
  const before = (await kept()).length;
  await daemon.stop();
  const file = join(daemon.root, 'proxy-plugins.json');
  await writeFile(file, (await readFile(file, 'utf8')).slice(0, 40));
  await daemon.start();
  expect(daemon.log.filter((line) => line.includes('was moved aside'))).toHaveLength(1);
  expect(await proxies()).toHaveLength(1);
  await mustStowage(daemon.address, ['gc', 'run']);
  expect((await kept()).length).toBe(before);
  await must('add', 'far', '--address', socket());
  expect(await run('fifth', 'echo', 'as before')).toBe('as before\n');
});

test('it is removed once nothing is recorded of it, with what was left in it, and for good', async () => {
  await c('images', 'rm', IMAGE);
  await until(
    'nothing to be recorded',
    async () => !(await c('snapshots', '--snapshotter', 'far', 'ls')).includes('Comm'),
  );
  expect(await must('rm', 'far')).toBe('far\n');
  expect(await kept()).toEqual([]);
  const gone = await ctr(daemon.address, ['snapshots', '--snapshotter', 'far', 'ls']);
  expect(gone.stderr).toMatch(/snapshotter "?far"?.* not here/);
  expect(await c('plugins', 'ls')).not.toMatch(/\sfar\s/);
  await killDaemon();
  expect(await proxies()).toHaveLength(1);
  expect((await plugins('rm', 'far')).stderr).toContain('no plugin of this name was added');
});
