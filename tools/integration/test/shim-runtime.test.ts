import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { ctr, Daemon, demoArchive, mustCtr, until } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

const suite = withTempDir('shim-runtime');
const IMAGE = 'example.org/demo:1';
const SHIM = '/usr/bin/containerd-shim-runc-v2';
let daemon: Daemon;

const c = (...args: string[]) => mustCtr(daemon.address, args);

beforeAll(async () => {
  const config = join(suite.dir, 'config.toml');
  const chosen = 'runtimes = { "io.containerd.runc.v2" = "shim" }';
  await writeFile(config, `version = 3\n[plugins."io.containerd.runtime.v2.task"]\n${chosen}\n`);
  daemon = await Daemon.start({ dir: suite.dir, config });
  await c('images', 'import', await demoArchive(join(suite.dir, 'image'), IMAGE));
}, 60_000);
suite.before(() => daemon[Symbol.asyncDispose]());

/** Pids of the shims that were started for a container. */
async function shimsOf(id: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      const mine = args.includes(`${daemon.state}/stowage.runtime.v1.shim/s`);
      return mine && args[args.indexOf('-id') + 1] === id ? [pid] : [];
    }),
  );
  return found.flat();
}

test.each([
  ['the name that the config points at shims', 'io.containerd.runc.v2'],
  ['the path of a shim', SHIM],
])(
  'ctr runs a container by %s, over a restart of the daemon',
  async (_, runtime) => {
    expect(await c('run', '--rm', '--runtime', runtime, IMAGE, 'once', 'echo', 'hello')).toBe('hello\n');
    const failed = await ctr(daemon.address, [
      'run',
      '--rm',
      '--runtime',
      runtime,
      IMAGE,
      'seven',
      'sh',
      '-c',
      'exit 7',
    ]);
    expect(failed.code).toBe(7);
    await c('run', '-d', '--runtime', runtime, IMAGE, 'stays', 'sleep', '100');
    const shims = await shimsOf('stays');
    expect(shims).toHaveLength(1);
    expect(await daemon.supervisors()).toEqual([]);
    expect(await c('tasks', 'exec', '--exec-id', 'e', 'stays', 'echo', 'from exec')).toBe('from exec\n');
    await daemon.stop();
    await daemon.start();
    expect(await c('tasks', 'ls')).toMatch(/stays\s+\d+\s+RUNNING/);
    expect(await shimsOf('stays')).toEqual(shims);
    await c('tasks', 'pause', 'stays');
    expect(await c('tasks', 'ls')).toMatch(/stays\s+\d+\s+PAUSED/);
    await c('tasks', 'resume', 'stays');
    await c('tasks', 'kill', '-s', 'SIGKILL', 'stays');
    await until('the task to stop', async () => /stays\s+\d+\s+STOPPED/.test(await c('tasks', 'ls')));
    await c('tasks', 'rm', 'stays');
    await c('containers', 'rm', 'stays');
    await until('the shim to end', async () => (await shimsOf('stays')).length === 0);
  },
  60_000,
);

test('the death of a shim is told to a client that waits, and leaves nothing', async () => {
  await c('run', '-d', IMAGE, 'dies', 'sleep', '100');
  const [shim] = await shimsOf('dies');
  process.kill(Number(shim), 'SIGKILL');
  await until('the task to go', async () => !(await c('tasks', 'ls')).includes('dies'));
  await c('containers', 'rm', 'dies');
});

test('a runtime that is not installed is named, with its shim', async () => {
  const args = ['run', '--rm', '--runtime', 'io.containerd.runsc.v1', IMAGE, 'missing', 'true'];
  const failed = await ctr(daemon.address, args);
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toContain('containerd-shim-runsc-v1 is not installed');
});
