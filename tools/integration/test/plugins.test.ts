import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, expect, test } from '@jest/globals';
import { ctr, Daemon, mustCtr, run } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

const suite = withTempDir('plugins');
const ROOT = join(import.meta.dirname, '../../..');
const STOWAGED = join(ROOT, 'apps/daemon/bin/stowaged.mjs');

/** Plugins as a third party writes them: plain JavaScript, and nothing of ours but a slot's name. */
const SNAPSHOTTER = `
import { Store } from './store.mjs';
export const plugins = [{
  slot: { type: 'io.containerd.snapshotter.v1', api: 1 },
  id: 'memory',
  capabilities: ['forgets'],
  config: (table) => ({ source: table.source ?? '/nowhere' }),
  start: ({ config, exports, log }) => {
    exports.set('root', config.source);
    log.info({ source: config.source }, 'memory is here');
    return new Store(config.source);
  },
}];
`;

const STORE = `
const fault = (kind, message) => Object.assign(new Error(message), { name: 'Fault', kind });
export class Store {
  #infos = new Map();
  constructor(source) { this.source = source; }
  #mounts() { return [{ type: 'bind', source: this.source, options: ['rbind', 'ro'] }]; }
  #get(key) {
    const info = this.#infos.get(key);
    if (info === undefined) throw fault('not_found', 'snapshot ' + key + ': not found');
    return info;
  }
  #make(kind, key, parent, { labels = {} } = {}) {
    const now = new Date();
    this.#infos.set(key, { name: key, parent, kind, labels, createdAt: now, updatedAt: now });
    return this.#mounts();
  }
  async stat(key) { return this.#get(key); }
  async update(key, labels) { return Object.assign(this.#get(key), { labels }); }
  async usage(key) { this.#get(key); return { sizeBytes: 42n, inodes: 7n }; }
  async mounts(key) { this.#get(key); return this.#mounts(); }
  async prepare(key, parent, options) { return this.#make('active', key, parent, options); }
  async view(key, parent, options) { return this.#make('view', key, parent, options); }
  async commit(name, key) {
    const info = this.#get(key);
    this.#infos.delete(key);
    this.#infos.set(name, { ...info, name, kind: 'committed' });
  }
  async remove(key) { this.#get(key); this.#infos.delete(key); }
  async *list() { yield* this.#infos.values(); }
  async cleanup() { throw fault('unimplemented', 'there is never anything to clean up'); }
}
`;

const BUGGY = `
export const plugins = [{
  slot: { type: 'example.bug.v1', api: 1 },
  id: 'bug',
  start: () => {
    process.on('SIGUSR2', () => setImmediate(() => { throw new Error('a bug nobody caught'); }));
    process.on('SIGUSR1', () => void Promise.reject(new Error('a rejection nobody handled')));
    return {};
  },
}];
`;

async function install(name: string, files: Readonly<Record<string, string>>, manifest: object = {}) {
  const dir = join(suite.dir, 'lib', 'node_modules', name);
  await mkdir(dir, { recursive: true });
  const about = { name, version: '1.0.0', exports: { '.': { import: './main.mjs' } }, ...manifest };
  await writeFile(join(dir, 'package.json'), JSON.stringify(about));
  for (const [file, text] of Object.entries(files)) await writeFile(join(dir, file), text);
}

async function config(name: string, text: string): Promise<string> {
  const file = join(suite.dir, `${name}.toml`);
  const dir = join(suite.dir, 'lib', 'node_modules');
  await writeFile(file, `version = 3\nplugin_dir = "${dir}"\n${text}`);
  return file;
}

beforeAll(async () => {
  await install('@example/memory-snapshotter', { 'main.mjs': SNAPSHOTTER, 'store.mjs': STORE });
  await install('buggy', { 'main.mjs': BUGGY });
  await install('broken', { 'main.mjs': 'export const plugins = 5;' });
  await symlink('buggy', join(suite.dir, 'lib/node_modules/linked'));
});

test('a snapshotter of an npm package is a plugin like ours', async () => {
  const file = await config(
    'memory',
    "packages = ['@example/memory-snapshotter']\n[plugins.'io.containerd.snapshotter.v1.memory']\nsource = '/srv'\n",
  );
  await using daemon = await Daemon.start({ dir: join(suite.dir, 'memory'), config: file });
  const c = (...args: string[]) => mustCtr(daemon.address, args);
  const s = (...args: string[]) => c('snapshots', '--snapshotter', 'memory', ...args);
  expect(await c('plugins', 'ls')).toMatch(/io\.containerd\.snapshotter\.v1\s+memory\s+\S+\s+ok/);
  expect(await c('plugins', 'ls', '-d', 'id==memory')).toMatch(/root\s+\/srv[\s\S]*forgets/);
  expect(daemon.log.join('\n')).toContain('memory is here');

  await s('prepare', 'work');
  expect(await s('mounts', '/mnt', 'work')).toContain('/srv /mnt');
  expect(await s('usage', 'work')).toMatch(/work\s+42\.0 B\s+7/);
  await s('commit', 'base', 'work');
  await s('prepare', 'top', 'base');
  expect(await s('ls')).toMatch(/base\s+Committed\s+top\s+base\s+Active/);
  const kept = await ctr(daemon.address, ['snapshots', '--snapshotter', 'memory', 'rm', 'base']);
  expect(kept).toMatchObject({ code: 1, stderr: expect.stringContaining('failed precondition') });
  await s('rm', 'top');
  await s('rm', 'base');
  expect(await s('ls')).not.toContain('base');
});

test.each([
  ['broken', /package "broken" of the config: \S+main\.mjs exports no list of plugins/],
  [
    'absent',
    /package "absent" of the config: is not in \S+; install it with: npm install --prefix \S+ absent\n/,
  ],
])('a package that is %s: no start, and the message names it', async (name, message) => {
  const file = await config(name, `packages = ['${name}']\n`);
  const dirs = ['--root', join(suite.dir, name, 'root'), '--state', join(suite.dir, name, 'state')];
  for (const command of [[], ['config', 'check']]) {
    const result = await run(process.execPath, [STOWAGED, '--config', file, ...dirs, ...command]);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  }
});

test('one plugin under two names is a config error that names it', async () => {
  const file = await config('twice', "packages = ['buggy', 'linked']\n");
  const result = await run(process.execPath, [STOWAGED, '--config', file, 'config', 'check']);
  expect(result).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('example.bug.v1.bug is listed twice'),
  });
});

test.each([
  ['SIGUSR2', 'a bug nobody caught'],
  ['SIGUSR1', 'a rejection nobody handled'],
] as const)('what nobody catches (%s) is logged, and ends it with exit code 70', async (signal, said) => {
  const file = await config('bug', "packages = ['buggy']\n");
  await using daemon = await Daemon.start({ dir: join(suite.dir, signal), config: file });
  process.kill(daemon.pid, signal);
  expect(await daemon.exited()).toBe(70);
  const last = JSON.parse(daemon.log.at(-1) ?? '{}') as {
    level: string;
    err: { message: string; stack: string };
  };
  expect(last).toMatchObject({
    level: 'fatal',
    err: { message: said, stack: expect.stringContaining('main.mjs') },
  });
});

test('SIGHUP changes nothing, and says what would', async () => {
  await using daemon = await Daemon.start({ dir: join(suite.dir, 'hup') });
  process.kill(daemon.pid, 'SIGHUP');
  await mustCtr(daemon.address, ['version']);
  expect(daemon.log.join('\n')).toContain('SIGHUP ignored');
  await daemon.stop();
  expect(await daemon.exited()).toBe(0);
});

test('told to stop while it starts, it ends with 0 and leaves nothing', async () => {
  const dir = join(suite.dir, 'early');
  const args = ['--root', join(dir, 'root'), '--state', join(dir, 'state'), '--log-level', 'debug'];
  for (const afterMs of [120, 200, 280, 360]) {
    const child: ChildProcess = spawn(process.execPath, [STOWAGED, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const lines: string[] = [];
    if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
    const ended = once(child, 'close');
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    child.kill('SIGTERM');
    const [code, signal] = await ended;
    // Before anything of ours runs, the signal does what it does to any process.
    if (signal === null) expect({ code, lines }).toMatchObject({ code: 0 });
    else expect(lines).toEqual([]);
  }
});

test('a state directory that another daemon uses is refused', async () => {
  await using daemon = await Daemon.start({ dir: join(suite.dir, 'state') });
  const args = ['--root', join(suite.dir, 'state/other'), '--state', daemon.state];
  const second = await run(process.execPath, [STOWAGED, ...args]);
  expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining(`${daemon.state} is in use by`) });
  await mustCtr(daemon.address, ['version']);
});

test('the log level of the flag wins over that of the file', async () => {
  const file = await config('level', "[debug]\nlevel = 'debug'\n");
  const args = ['--log-level', 'info'];
  await using daemon = await Daemon.start({ dir: join(suite.dir, 'level'), config: file, args });
  expect(daemon.log.join('\n')).not.toContain('"level":"debug"');
  const bad = await run(process.execPath, [STOWAGED, '--log-level', 'loud']);
  expect(bad.code).toBe(1);
  expect(bad.stderr).toContain("'loud' is invalid");
});

test("containerd's own printed config is one to start with", async () => {
  const printed = await run('containerd', ['config', 'default']);
  const file = join(suite.dir, 'containerd.toml');
  await writeFile(file, printed.stdout);
  const result = await run(process.execPath, [STOWAGED, '--config', file, 'config', 'check']);
  expect(result).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('io.containerd.metadata.v1.level'),
  });
  expect(result.stderr).toContain('io.containerd.grpc.v1.cri');
});

test('with a gid the group may connect, whatever the umask, and without one it may not', async () => {
  await chmod(suite.dir, 0o755);
  const file = await config('group', '[grpc]\ngid = 1234\n');
  const asMember = (socket: string) => {
    const url = 'http://stowage/containerd.services.version.v1.Version/Version';
    const curl = [
      'curl',
      '-sS',
      '--unix-socket',
      socket,
      '-H',
      'content-type: application/json',
      '-d',
      '{}',
      url,
    ];
    return run('setpriv', ['--reuid', '1000', '--regid', '1234', '--clear-groups', ...curl]);
  };
  const dir = join(suite.dir, 'group');
  await mkdir(dir);
  await chmod(dir, 0o755);
  await using daemon = await Daemon.start({ dir, config: file, umask: 0o077 });
  expect((await asMember(daemon.address)).stdout).toContain('stowage');
  await using other = await Daemon.start({ dir: join(suite.dir, 'no-group') });
  expect((await asMember(other.address)).code).not.toBe(0);
});
