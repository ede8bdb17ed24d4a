import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Daemon, mustCtr, run } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

const suite = withTempDir('daemon');
const STOWAGED = join(import.meta.dirname, '../../../apps/daemon/bin/stowaged.mjs');
const stowaged = (...args: string[]) => run(process.execPath, [STOWAGED, ...args]);

test('SIGTERM ends it within a second, with exit code 0', async () => {
  const daemon = await Daemon.start({ dir: join(suite.dir, 'term') });
  await mustCtr(daemon.address, ['version']);
  const started = Date.now();
  await daemon.stop('SIGTERM');
  expect(await daemon.exited()).toBe(0);
  expect(Date.now() - started).toBeLessThan(1000);
  await daemon[Symbol.asyncDispose]();
});

test('a second daemon on the same root refuses to start and says who holds it', async () => {
  await using daemon = await Daemon.start({ dir: join(suite.dir, 'twice') });
  const second = await stowaged('--root', daemon.root, '--state', join(suite.dir, 'twice/other'));
  expect(second.code).not.toBe(0);
  expect(second.stderr).toContain(`pid ${daemon.pid}`);
  expect(second.stderr).toContain(daemon.root);
});

test.each([
  [
    'a wrong type',
    'version = 3\n[grpc]\naddress = 5\n',
    'grpc.address: expected the absolute path of a unix socket, got 5',
  ],
  ['an unknown key', 'version = 3\nroots = "/x"\n', 'roots: unknown key; expected version, root, state'],
  ['a version that nobody knows', 'version = 9\n', 'version: expected 2, 3 or 4, got 9'],
  ['no TOML at all', 'version = = 3\n', 'config.toml'],
  [
    'an unknown key of one of our plugins',
    "version = 3\n[plugins.'io.containerd.snapshotter.v1.overlayfs']\nroot_pat = '/x'\n",
    'root_pat',
  ],
])('a config with %s: the message names file, key and what was expected', async (_, text, expected) => {
  const file = join(suite.dir, 'config.toml');
  await writeFile(file, text);
  const dirs = ['--root', join(suite.dir, 'bad/root'), '--state', join(suite.dir, 'bad/state')];
  const result = await stowaged('--config', file, ...dirs);
  expect(result.code).not.toBe(0);
  expect(result.stderr).toContain(file);
  expect(result.stderr).toContain(expected);
});

test("a table of somebody else's plugin is a warning", async () => {
  const file = join(suite.dir, 'foreign.toml');
  await writeFile(file, "version = 2\n[plugins.'io.containerd.grpc.v1.cri']\nsandbox_image = 'x'\n");
  await using daemon = await Daemon.start({ dir: join(suite.dir, 'foreign'), args: ['--config', file] });
  expect(daemon.log.join('\n')).toContain('io.containerd.grpc.v1.cri');
});

test('config default prints a config that it accepts', async () => {
  const printed = await stowaged('config', 'default');
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  expect(printed.stdout).toMatch(/^version = 3$/m);
  expect(printed.stdout).toContain('io.containerd.snapshotter.v1.overlayfs');
  const file = join(suite.dir, 'default.toml');
  await writeFile(file, printed.stdout);
  expect(await stowaged('--config', file, 'config', 'check')).toMatchObject({ code: 0 });
});

test('--help teaches', async () => {
  const help = await stowaged('--help');
  expect(help.code).toBe(0);
  for (const flag of ['--config', '--root', '--state', '--address', '--log-level', '-c', '-a', '-l']) {
    expect(help.stdout).toContain(flag);
  }
});

test('a disabled plugin is not there, and its RPCs answer unimplemented by name', async () => {
  const file = join(suite.dir, 'disabled.toml');
  await writeFile(file, "version = 3\ndisabled_plugins = ['io.containerd.grpc.v1.leases']\n");
  await using daemon = await Daemon.start({ dir: join(suite.dir, 'disabled'), args: ['--config', file] });
  const leases = await run('ctr', ['--address', daemon.address, 'leases', 'ls']);
  expect(leases.code).not.toBe(0);
  expect(leases.stderr).toContain('containerd.services.leases.v1.Leases');
  await mustCtr(daemon.address, ['namespaces', 'ls']);
});
