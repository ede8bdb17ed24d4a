import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { Version } from '@stowage/api/version/v1';
import { rpcClient } from '@stowage/rpc';
import { unixTransport } from '@stowage/rpc/transport';
import { demoArchive, end, must, mustCtr, NotifySocket, run, until } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

const suite = withTempDir('tarball');
const ROOT = join(import.meta.dirname, '../../..');
const IMAGE = 'example.com/demo:1';
/** Nothing of the checkout is found by it. */
const env = {
  PATH: `${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`,
  NODE_PATH: '',
  NODE_OPTIONS: '',
};

let prefix: string;
beforeAll(async () => {
  const out = join(suite.dir, 'out');
  const node = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
  await must(process.execPath, [...node, join(ROOT, 'tools/release/tarball/main.ts'), '--out', out]);
  const [file = ''] = await readdir(out);
  expect(file).toMatch(/^stowaged-\d+\.\d+\.\d+-linux-(x64|arm64)\.tar\.gz$/);
  // Unpacked elsewhere than it was made, as into /usr/local.
  prefix = join(suite.dir, 'usr local');
  await mkdir(prefix);
  await must('tar', ['-xzf', join(out, file), '-C', prefix, '--strip-components=1']);
}, 120_000);

test('everything in it is for all to read and for nobody but root to write', async () => {
  const loose = await must('find', [
    prefix,
    '-not',
    '-type',
    'l',
    '(',
    '-perm',
    '/022',
    '-o',
    '-not',
    '-perm',
    '-444',
    ')',
  ]);
  expect(loose).toBe('');
  expect((await stat(join(prefix, 'bin/stowaged'))).mode & 0o777).toBe(0o755);
});

test('the unit is one that systemd takes', async () => {
  const unit = await readFile(join(prefix, 'lib/systemd/system/stowaged.service'), 'utf8');
  for (const line of [
    'Type=notify',
    'KillMode=process',
    'Delegate=yes',
    'OOMScoreAdjust=-999',
    'TasksMax=infinity',
  ])
    expect(unit.split('\n')).toContain(line);
  expect(unit).toContain('ExecStart=/usr/local/bin/stowaged\n');
  const copy = join(suite.dir, 'stowaged.service');
  await symlink(join(prefix, 'bin/stowaged'), join(suite.dir, 'stowaged'));
  await writeFile(copy, unit.replace('/usr/local/bin/stowaged', join(suite.dir, 'stowaged')));
  const verified = await run('systemd-analyze', ['verify', copy]).catch((e: { code?: string }) => e);
  if ('code' in verified && verified.code === 'ENOENT') return; // a machine without systemd
  expect(verified).toMatchObject({ code: 0, stderr: '' });
});

test('the config beside it is good', async () => {
  const file = join(prefix, 'share/doc/stowage/config.toml');
  const checked = await run(join(prefix, 'bin/stowaged'), ['config', 'check', '--strict', file], {
    env,
    cwd: '/',
  });
  expect(checked).toMatchObject({ code: 0, stderr: '' });
});

test('it starts, runs a container and stops, with nothing of the checkout around', async () => {
  const [root, state] = [join(suite.dir, 'root'), join(suite.dir, 'state')];
  const address = join(state, 'stowage.sock');
  await using notified = await NotifySocket.open(join(suite.dir, 'notify.sock'));
  // By a link, as a distribution may put it into another directory of PATH.
  await mkdir(join(suite.dir, 'bin'));
  await symlink(join(prefix, 'bin/stowaged'), join(suite.dir, 'bin/stowaged'));
  const daemon: ChildProcess = spawn(join(suite.dir, 'bin/stowaged'), ['--root', root, '--state', state], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
    env: { ...env, NOTIFY_SOCKET: notified.path },
  });
  let log = '';
  daemon.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  try {
    const ended = once(daemon, 'exit').then(() => {
      throw new Error(`stowaged ended:\n${log}`);
    });
    ended.catch(() => undefined);
    await Promise.race([
      ended,
      until('READY=1', () => notified.messages.some((one) => one.startsWith('READY=1'))),
    ]);
    // The process that was started is the daemon, so a service manager takes its word and ends it.
    expect(await readFile(`/proc/${daemon.pid}/cmdline`, 'utf8')).toContain('stowaged.mjs');
    const maps = await readFile(`/proc/${daemon.pid}/maps`, 'utf8');
    expect(maps).toContain(join(prefix, 'lib/stowage/node_modules/classic-level'));
    expect(maps).not.toContain(join(ROOT, 'node_modules/classic-level'));
    await using transport = unixTransport(address);
    const { version } = await rpcClient(Version, transport).version({});
    expect(version).toMatch(/\+stowage\./);
    await mustCtr(address, ['images', 'import', await demoArchive(join(suite.dir, 'image'), IMAGE)]);
    // Patterns are read by a library that is loaded when the first one comes.
    expect(await mustCtr(address, ['images', 'ls', '-q', 'name~=^example'])).toBe(`${IMAGE}\n`);
    expect(await mustCtr(address, ['run', '--rm', IMAGE, 'hello', 'echo', 'hello'])).toBe('hello\n');
    const stowage = await run(join(prefix, 'bin/stowage'), ['--address', address, 'version'], {
      env,
      cwd: '/',
    });
    expect(stowage).toMatchObject({ code: 0, stdout: expect.stringContaining(version) });
    const shim = await run(join(prefix, 'bin/containerd-shim-stowage-v1'), ['-v'], { env, cwd: '/' });
    expect(shim).toMatchObject({ code: 0 });
  } finally {
    const seen = notified.messages.length;
    await end(daemon);
    await until('STOPPING=1', () => notified.messages.length > seen);
    const info = await must('sh', [
      '-c',
      `cat '${state}'/stowage.runtime.v1.runc/supervisor/*/info.json || true`,
    ]);
    const pid = /"pid":\s*(\d+)/.exec(info)?.[1];
    if (pid !== undefined) process.kill(Number(pid), 'SIGTERM');
  }
  expect(notified.messages.at(-1)).toMatch(/^STOPPING=1/);
  expect(daemon.exitCode).toBe(0);
}, 60_000);

test('where Node is too old it says which it needs', async () => {
  const bin = join(suite.dir, 'old');
  await mkdir(bin);
  const pretend =
    'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})';
  const script = `#!/bin/sh\nexec '${process.execPath}' --import '${pretend}' "$@"\n`;
  await writeFile(join(bin, 'node'), script, { mode: 0o755 });
  const old = { ...env, PATH: `${bin}:/usr/bin:/bin` };
  const result = await run(join(prefix, 'bin/stowaged'), ['--version'], { env: old, cwd: '/' });
  expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('needs Node 22.23.2 or later') });
});
