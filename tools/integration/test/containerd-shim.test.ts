import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { beforeAll, expect, test } from '@jest/globals';
import { BootstrapParamsSchema, BootstrapResultSchema } from '@stowage/api/runtime/bootstrap/v1';
import { Task as TaskV2 } from '@stowage/api/task/v2';
import { DeleteResponseSchema, Task as TaskV3 } from '@stowage/api/task/v3';
import { RuntimeInfoSchema } from '@stowage/api/types';
import { rpcClient } from '@stowage/rpc';
import {
  ctr,
  demoArchive,
  end,
  must,
  mustCtr,
  type Program,
  run,
  startContainerd,
  until,
} from '@stowage/testing';
import { ttrpcTransport } from '@stowage/ttrpc';
import { CLI } from '../cli.ts';
import { withTempDir } from '../suite.ts';

// Debian's containerd and its ctr, which know nothing of Stowage but the name of a runtime.

const RUNTIME = 'io.containerd.stowage.v1';
const IMAGE = 'example.org/demo:1';
const LOOP = ['/bin/sh', '-c', 'trap "exit 3" TERM; while true; do sleep 0.1; done'];

const suite = withTempDir('shim');
let containerd: Program & { readonly address: string };

const bin = () => join(suite.dir, 'bin');
const shimStates = () => join(suite.dir, 'shims');
const bundles = () => join(suite.dir, 'containerd/state/io.containerd.runtime.v2.task', suite.namespace);
const env = () => ({ PATH: `${bin()}:${process.env.PATH}`, STOWAGE_SHIM_STATE: shimStates() });
const shim = () => join(bin(), 'containerd-shim-stowage-v1');
const c = (...args: string[]) => mustCtr(containerd.address, args);
const create1 = (...flags: string[]) => [
  'run',
  '--runtime',
  RUNTIME,
  '--snapshotter',
  'native',
  ...flags,
  IMAGE,
];
const start = () => startContainerd(join(suite.dir, 'containerd'), [], [], env());

/** Of the one supervisor that serves, as its own file tells. */
async function supervisorPid(): Promise<number> {
  const [state] = await readdir(shimStates());
  const supervisors = join(shimStates(), state ?? '', 'supervisor');
  const [build] = await readdir(supervisors);
  return JSON.parse(await readFile(join(supervisors, build ?? '', 'info.json'), 'utf8')).pid;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Follows `ctr events` and gives the topics of one container. */
function followEvents(): { readonly of: (id: string) => string[]; end(): Promise<void> } {
  const child: ChildProcess = spawn('ctr', ['--address', containerd.address, 'events'], {
    env: process.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  const topics = (id: string) => {
    const lines = text.split('\n').filter((line) => line.includes(`"container_id":"${id}"`));
    return lines.map((line) => /\/tasks\/\S+/.exec(line)?.[0] ?? '');
  };
  return { of: topics, end: () => end(child) };
}

/** Deletes a task, and gives the exit status that ctr tells of it. */
async function deletedWith(id: string): Promise<number> {
  const { code, stderr } = await ctr(containerd.address, ['tasks', 'delete', id]);
  expect(code).toBe(0);
  return Number(/non-zero exit code (\d+)/.exec(stderr)?.[1] ?? 0);
}

/** What the shim still has of a container: nothing, once it is gone. */
async function kept(id: string): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const [state = ''] = await readdir(shimStates());
  const names = await Promise.all(
    ['tasks', 'runc'].map((of) => readdir(join(shimStates(), state, of, suite.namespace)).catch(() => [])),
  );
  return [
    ...mounts.filter((line) => line.includes(`/${id}/`)),
    ...names.flat().filter((name) => name === id),
  ];
}

/** With the bundle, which containerd has. */
async function traces(id: string): Promise<string[]> {
  const names = await readdir(bundles());
  return [...(await kept(id)), ...names.filter((name) => name === id)];
}

beforeAll(async () => {
  await mkdir(bin());
  await must(process.execPath, [CLI, 'install-shim', bin()]);
  containerd = await start();
  await c('images', 'import', '--snapshotter', 'native', await demoArchive(join(suite.dir, 'image'), IMAGE));
}, 120_000);

// Before the census.
suite.before(async () => {
  await containerd?.[Symbol.asyncDispose]();
  const pid = await supervisorPid();
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGTERM');
  await until('the supervisor to end', () => !isAlive(pid));
});

test('run --rm prints what the container prints and gives its exit code', async () => {
  expect(await c(...create1('--rm'), 'echo', '/bin/echo', 'hello')).toBe('hello\n');
  const failed = await ctr(containerd.address, [
    ...create1('--rm'),
    'seven',
    '/bin/sh',
    '-c',
    'echo oops >&2; exit 7',
  ]);
  expect(failed).toMatchObject({ code: 7, stderr: expect.stringContaining('oops') });
  expect(await traces('echo')).toEqual([]);
  expect(await traces('seven')).toEqual([]);
}, 60_000);

test('run -t gives the container a terminal', async () => {
  const shell = `ctr --address ${containerd.address} ${create1('--rm', '-t').join(' ')} tty /bin/stty -a`;
  const result = await run('script', ['-qec', shell, '/dev/null'], { env: { TERM: 'xterm' } });
  expect(result).toMatchObject({ code: 0 });
  expect(result.stdout).toMatch(/speed \d+ baud/);
}, 60_000);

test('run -d, then ps, exec, pause, resume, metrics, kill, delete; ctr sees the events', async () => {
  const events = followEvents();
  await c(...create1('-d'), 'long', ...LOOP);
  expect(await c('tasks', 'ls')).toMatch(/long\s+\d+\s+RUNNING/);
  expect(await c('tasks', 'ps', 'long')).toMatch(/\d+/);
  expect(await c('tasks', 'exec', '--exec-id', 'e1', 'long', '/bin/echo', 'from exec')).toBe('from exec\n');
  const failed = await ctr(containerd.address, [
    'tasks',
    'exec',
    '--exec-id',
    'e2',
    'long',
    '/bin/sh',
    '-c',
    'exit 5',
  ]);
  expect(failed.code).toBe(5);
  await c('tasks', 'pause', 'long');
  expect(await c('tasks', 'ls')).toMatch(/long\s+\d+\s+PAUSED/);
  await c('tasks', 'resume', 'long');
  expect(await c('tasks', 'metrics', 'long')).toMatch(/memory/);
  const again = await ctr(containerd.address, ['tasks', 'start', 'long']);
  expect(again.stderr).toMatch(/already exists/);
  await c('tasks', 'kill', '-s', 'SIGTERM', 'long');
  await until('the task to stop', async () => /long\s+\d+\s+STOPPED/.test(await c('tasks', 'ls')));
  expect(await deletedWith('long')).toBe(3);
  await c('containers', 'rm', 'long');
  await until('the last event', () => events.of('long').includes('/tasks/delete'));
  const exec = ['/tasks/exec-added', '/tasks/exec-started', '/tasks/exit'];
  expect(events.of('long')).toEqual([
    '/tasks/create',
    '/tasks/start',
    ...exec,
    ...exec,
    '/tasks/paused',
    '/tasks/resumed',
    '/tasks/exit',
    '/tasks/delete',
  ]);
  await events.end();
  expect(await traces('long')).toEqual([]);
}, 90_000);

test('errors come with their code: what fails to be created leaves nothing', async () => {
  const failed = await ctr(containerd.address, [...create1('--rm'), 'bad', '/bin/no-such-program']);
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toMatch(/no-such-program/);
  await until('nothing to be left', async () => (await traces('bad')).length === 0);
  const absent = await ctr(containerd.address, ['tasks', 'kill', 'absent']);
  expect(absent.stderr).toMatch(/not found/);
}, 60_000);

test('ten containers at once have one supervisor', async () => {
  const ids = Array.from({ length: 10 }, (_, i) => `many-${i}`);
  const outputs = await Promise.all(ids.map((id) => c(...create1('--rm'), id, '/bin/echo', id)));
  expect(outputs).toEqual(ids.map((id) => `${id}\n`));
  const pid = await supervisorPid();
  const [state = ''] = await readdir(shimStates());
  const commands = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((name) => readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')),
  );
  expect(commands.filter((line) => line.includes(state) && line.includes('supervisor'))).toHaveLength(1);
  expect(isAlive(pid)).toBe(true);
}, 120_000);

test('containerd is started again while containers run: it finds them, and what it missed', async () => {
  await c(...create1('-d'), 'stays', ...LOOP);
  await c(...create1('-d'), 'ends', '/bin/sh', '-c', 'sleep 1; exit 9');
  const pid = await supervisorPid();
  await containerd[Symbol.asyncDispose]();
  // It ends while containerd is down.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  containerd = await start();
  const events = followEvents();
  expect(await supervisorPid()).toBe(pid);
  expect(await c('tasks', 'ls')).toMatch(/stays\s+\d+\s+RUNNING/);
  expect(await c('tasks', 'exec', '--exec-id', 'e', 'stays', '/bin/echo', 'still')).toBe('still\n');
  expect(await c('tasks', 'ls')).toMatch(/ends\s+\d+\s+STOPPED/);
  expect(await deletedWith('ends')).toBe(9);
  await c('tasks', 'kill', '-s', 'SIGKILL', 'stays');
  await until('the task to stop', async () => /stays\s+\d+\s+STOPPED/.test(await c('tasks', 'ls')));
  await until('the exit to be told', () => events.of('stays').includes('/tasks/exit'));
  expect(await deletedWith('stays')).toBe(137);
  await c('containers', 'rm', 'stays', 'ends');
  await events.end();
  expect([...(await traces('stays')), ...(await traces('ends'))]).toEqual([]);
}, 120_000);

test('the supervisor is killed while containers run: containerd has them removed, and the next one runs', async () => {
  const events = followEvents();
  await c(...create1('-d'), 'orphan-1', ...LOOP);
  await c(...create1('-d'), 'orphan-2', ...LOOP);
  const pids = [...(await c('tasks', 'ls')).matchAll(/orphan-\d\s+(\d+)/g)].map(([, pid]) => Number(pid));
  expect(pids).toHaveLength(2);
  const pid = await supervisorPid();
  process.kill(pid, 'SIGKILL');
  await until(
    'nothing to be left',
    async () => {
      const left = [...(await traces('orphan-1')), ...(await traces('orphan-2'))];
      return left.length === 0 && !pids.some(isAlive);
    },
    30_000,
  );
  await until('the ends to be told', () => events.of('orphan-2').includes('/tasks/delete'));
  expect(await c('tasks', 'ls', '-q')).toBe('');
  await c('containers', 'rm', 'orphan-1', 'orphan-2');
  expect(await c(...create1('--rm'), 'next', '/bin/echo', 'next')).toBe('next\n');
  expect(await supervisorPid()).not.toBe(pid);
  await events.end();
}, 120_000);

/** The shim as a containerd would start it, in a bundle. */
async function byHand(
  args: readonly string[],
  input: Uint8Array,
  more: Readonly<Record<string, string>> = {},
  bundle = join(suite.dir, 'bundle'),
) {
  await mkdir(bundle, { recursive: true });
  const own = { ...env(), TTRPC_ADDRESS: `${containerd.address}.ttrpc`, ...more };
  const result = spawn(shim(), ['-namespace', suite.namespace, '-id', 'by-hand', ...args], {
    cwd: bundle,
    env: { ...process.env, NODE_OPTIONS: '', ...own },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  result.stdout.on('data', (chunk) => out.push(chunk));
  result.stderr.on('data', (chunk) => err.push(chunk));
  result.stdin.end(input);
  const code = await new Promise((resolve) => result.on('close', resolve));
  return { code, out: Buffer.concat(out), err: Buffer.concat(err).toString(), bundle };
}

test('start answers as each containerd reads it, and leaves its address in the bundle', async () => {
  const nothing = new Uint8Array();
  const plain = await byHand(['start'], nothing);
  expect(plain).toMatchObject({ code: 0, err: '' });
  const address = plain.out.toString();
  expect(address).toMatch(/^unix:\/\/\/.*\/ns-[0-9a-f]{12}$/);
  expect(await readFile(join(plain.bundle, 'address'), 'utf8')).toBe(address);
  await using transport = ttrpcTransport({ path: address });
  // The address tells the namespace, and both versions are there.
  for (const service of [TaskV2, TaskV3]) {
    const message = `task none: there is none in namespace ${suite.namespace}`;
    await expect(rpcClient(service, transport).state({ id: 'none' })).rejects.toMatchObject({
      ...{ kind: 'not_found', message },
    });
  }
  const json = await byHand(['start'], nothing, { MAX_SHIM_VERSION: '3' });
  expect(JSON.parse(json.out.toString())).toEqual({ version: 3, address, protocol: 'ttrpc' });
  const params = create(BootstrapParamsSchema, {
    instanceId: 'by-hand',
    namespace: suite.namespace,
    containerdTtrpcAddress: `${containerd.address}.ttrpc`,
  });
  const told = await byHand(['start'], toBinary(BootstrapParamsSchema, params), { TTRPC_ADDRESS: '' });
  expect(fromBinary(BootstrapResultSchema, told.out)).toMatchObject({
    version: 3,
    address,
    protocol: 'ttrpc',
  });
});

test('delete ends a container that its supervisor has, and finds nothing wrong with there being none', async () => {
  await c(...create1('-d'), 'by-hand', ...LOOP);
  const bundle = join(bundles(), 'by-hand');
  const [, pid] = /by-hand\s+(\d+)/.exec(await c('tasks', 'ls')) ?? [];
  const removed = await byHand(['-bundle', bundle, 'delete'], new Uint8Array());
  expect(removed).toMatchObject({ code: 0, err: '' });
  const response = fromBinary(DeleteResponseSchema, removed.out);
  expect(response).toMatchObject({ exitStatus: 137, pid: Number(pid) });
  expect(isAlive(Number(pid))).toBe(false);
  const again = await byHand(['-bundle', bundle, 'delete'], new Uint8Array());
  expect(fromBinary(DeleteResponseSchema, again.out)).toMatchObject({ exitStatus: 137, pid: 0 });
  expect(await kept('by-hand')).toEqual([]);
  await c('containers', 'rm', 'by-hand');
}, 60_000);

test('-info and -v tell what it is; what it does not know it refuses', async () => {
  const info = await byHand(['-info'], new Uint8Array());
  expect(fromBinary(RuntimeInfoSchema, info.out)).toMatchObject({ name: RUNTIME });
  expect((await byHand(['-v'], new Uint8Array())).out.toString()).toMatch(/Version: +\d+\.\d+/);
  const unknown = await byHand(['-nonsense', 'start'], new Uint8Array());
  expect(unknown.code).toBe(1);
  expect(unknown.err).toMatch(/-nonsense/);
  expect((await byHand(['dance'], new Uint8Array())).err).toMatch(/dance/);
});

test('a supervisor without containers ends by itself after a while', async () => {
  const state = join(suite.dir, 'resting');
  const more = { STOWAGE_SHIM_STATE: state, STOWAGE_SHIM_IDLE_SECONDS: '0.5' };
  const first = Array.from({ length: 5 }, (_, i) =>
    byHand(['start'], new Uint8Array(), more, join(suite.dir, `first-${i}`)),
  );
  const [started, ...others] = await Promise.all(first);
  if (started === undefined) throw new Error('none was started');
  // Whichever was first has started it, for all.
  for (const other of others) expect(other).toMatchObject({ code: 0, err: '', out: started.out });
  const socket = started.out.toString().replace('unix://', '');
  expect((await stat(socket)).isSocket()).toBe(true);
  const info = JSON.parse(await readFile(join(socket, '../info.json'), 'utf8'));
  await until('it to end', () => !isAlive(info.pid));
  expect(await readFile(join(socket, '../log'), 'utf8')).toMatch(/no containers for a while/);
  const again = await byHand(['start'], new Uint8Array(), { ...more, STOWAGE_SHIM_IDLE_SECONDS: '600' });
  const next = again.out.toString().replace('unix://', '');
  const { pid } = JSON.parse(await readFile(join(next, '../info.json'), 'utf8'));
  expect(isAlive(pid)).toBe(true);
  process.kill(pid, 'SIGSTOP');
  const refused = await byHand(['start'], new Uint8Array(), more);
  process.kill(pid, 'SIGCONT');
  expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/does not answer/) });
  process.kill(pid, 'SIGTERM');
  await until('it to end', () => !isAlive(pid));
}, 60_000);

test('install-shim refuses a place that is none, and a file that is not its own', async () => {
  const install = (dir: string) => run(process.execPath, [CLI, 'install-shim', dir]);
  const file = join(suite.dir, 'file');
  await writeFile(file, '');
  for (const [dir, why] of [
    [join(suite.dir, 'absent'), /no such directory/],
    [file, /no directory/],
  ] as const) {
    const { code, stderr } = await install(dir);
    expect(code).toBe(1);
    expect(stderr).toMatch(why);
  }
  const other = join(suite.dir, 'other');
  await mkdir(other);
  await writeFile(join(other, 'containerd-shim-stowage-v1'), '#!/bin/sh\n');
  expect((await install(other)).stderr).toMatch(/not of Stowage/);
  expect((await install(bin())).code).toBe(0);
  expect((await run(process.execPath, [CLI, 'install-shim', '--help'])).stdout).toMatch(
    /ctr run .*stowage\.v1/,
  );
});
