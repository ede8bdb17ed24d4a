import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demoArchive, mustCtr, type Program, startContainerd, until } from '@stowage/testing';
import { mustStowage, stowage } from '../cli.ts';
import { withTempDir } from '../suite.ts';

const IMAGE = 'example.org/demo:1';
let containerd: (Program & { readonly address: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  if (containerd !== undefined) await stowage(containerd.address, ['rm', '-f', 'cli-web']);
  await containerd?.[Symbol.asyncDispose]();
});

const suite = withTempDir('cli-containerd');
const must = (...args: string[]) => mustStowage(containerd?.address ?? '', args);

beforeAll(async () => {
  containerd = await startContainerd(join(suite.dir, 'containerd'), [
    '[proxy_plugins.elsewhere]\ntype = "snapshot"\naddress = "/run/elsewhere.sock"',
  ]);
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(containerd.address, ['images', 'import', '--no-unpack', archive]);
}, 60_000);

test('the same command drives containerd itself', async () => {
  expect(await must('version')).toMatch(/daemon +1\.\d+/);
  expect(await must('run', '--rm', IMAGE, 'echo', 'hello')).toBe('hello\n');
  const args = ['run', '-i', '--rm', IMAGE, 'sh', '-c', 'wc -c; exit 3'];
  const input = 'x'.repeat(200_000);
  expect(await stowage(containerd?.address ?? '', args, { input })).toMatchObject({
    code: 3,
    stdout: '200000\n',
  });
  expect(await must('run', '-d', '--name', 'cli-web', IMAGE, 'sleep', '100')).toBe('cli-web\n');
  expect(await must('ps')).toMatch(/cli-web .*running, pid/);
  expect(await must('exec', 'cli-web', 'echo', 'inside')).toBe('inside\n');
  expect((await stowage(containerd?.address ?? '', ['exec', 'cli-web', 'nope'])).code).toBe(127);
  expect((await stowage(containerd?.address ?? '', ['run', '--rm', IMAGE, 'nope'])).code).toBe(127);
  expect(await must('rm', '-f', 'cli-web')).toBe('cli-web\n');
  expect(await must('ps', '-aq')).toBe('');
}, 40_000);

test('its containers are stopped, started, attached to, and their logs are shown without times', async () => {
  const script = 'trap "echo told; exit 7" TERM; echo up; while :; do sleep 0.05; done';
  await must('run', '-d', '--name', 'cli-web', IMAGE, 'sh', '-c', script);
  const logs = (...flags: string[]) => stowage(containerd?.address ?? '', ['logs', ...flags, 'cli-web']);
  await until('what it prints', async () => (await logs()).stdout.includes('up'));
  await must('pause', 'cli-web');
  expect(await must('ps')).toMatch(/cli-web .*paused/);
  await must('unpause', 'cli-web');
  expect(await must('top', 'cli-web')).toContain('trap');
  expect(JSON.parse(await must('stats', '--no-stream', '--format', 'json', 'cli-web'))).toMatchObject({
    id: 'cli-web',
  });
  expect(await must('stop', 'cli-web')).toBe('cli-web\n');
  expect(await must('wait', 'cli-web')).toBe('7\n');
  expect(await logs('-t')).toMatchObject({
    ...{ code: 0, stdout: 'up\ntold\n', stderr: expect.stringContaining('this log has no times') },
  });
  await must('start', 'cli-web');
  await must('kill', 'cli-web');
  expect(await must('wait', 'cli-web')).toBe('137\n');
  await must('rm', '-f', 'cli-web');
  await must('run', '-di', '--name', 'cli-web', IMAGE, 'sh', '-c', 'read x; echo "got $x"; exit 4');
  const attached = await stowage(containerd?.address ?? '', ['attach', 'cli-web'], { input: 'this\n' });
  expect(attached).toMatchObject({ code: 4, stdout: 'got this\n' });
  await must('rm', 'cli-web');
  const terminal = await stowage(containerd?.address ?? '', [
    'run',
    '-dt',
    '--name',
    'cli-web',
    IMAGE,
    'true',
  ]);
  if (terminal.code !== 0) {
    // Before 1.7.
    expect(terminal).toMatchObject({ code: 125, stderr: expect.stringContaining('ctrl-p ctrl-q') });
    expect(await must('ps', '-aq')).toBe('');
  } else await must('rm', '-f', 'cli-web');
}, 60_000);

test('its containers are copied from and to, compared, and made images of', async () => {
  await must(
    'run',
    '-d',
    '--name',
    'cli-web',
    IMAGE,
    'sh',
    '-c',
    'echo x > /added; rm /etc/passwd; sleep 100',
  );
  await must('cp', '/etc/hostname', 'cli-web:/tmp/copied');
  expect(await must('exec', 'cli-web', 'cat', '/tmp/copied')).toBe(await readFile('/etc/hostname', 'utf8'));
  expect(await must('diff', 'cli-web')).toMatch(
    /^A \/added\nC \/etc\nD \/etc\/passwd\n(.*\n)*A \/tmp\/copied\n/m,
  );
  expect(await must('commit', '-c', 'CMD ["cat", "/added"]', 'cli-web', 'example.org/made:1')).toMatch(
    /^sha256:/,
  );
  await must('rm', '-f', 'cli-web');
  expect(await must('run', '--rm', 'example.org/made:1')).toBe('x\n');
  await must('run', '--name', 'cli-web', IMAGE, 'touch', '/late');
  const to = join(suite.dir, 'late');
  await must('cp', 'cli-web:/late', to);
  expect((await stat(to)).size).toBe(0);
  expect(await must('container', 'prune', '-f')).toMatch(/removed container cli-web\n/);
  await must('rmi', 'example.org/made:1');
}, 60_000);

test('it is told about, with its namespaces and snapshots', async () => {
  expect(await must('info')).toMatch(/^Version: v?1\.\d+/m);
  expect(await must('namespace', 'ls', '-q')).toMatch(/\w/);
  expect(await must('snapshot', 'tree')).toMatch(/^sha256:/);
  expect(await must('lease', 'create', '--id', 'cli-lease')).toBe('cli-lease\n');
  expect(await must('lease', 'rm', '--sync', 'cli-lease')).toBe('cli-lease\n');
  expect(await must('image', 'prune', '-f')).toMatch(/^freed /);
}, 30_000);

test('plugins are listed, and it is said that it takes none while it runs', async () => {
  expect(await must('plugins', 'ls')).toMatch(/io\.containerd\.snapshotter\.v1 +overlayfs +ok\n/);
  expect(await must('plugins', 'ls', '--proxies')).toMatch(
    /^TYPE +NAME.*\nio\.containerd\.snapshotter\.v1 +elsewhere +ok +config +\/run\/elsewhere\.sock\n$/,
  );
  for (const args of [
    ['add', 'mine', '--address', '/run/mine.sock'],
    ['rm', 'elsewhere'],
  ]) {
    const { code, stderr } = await stowage(containerd?.address ?? '', ['plugins', ...args]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      'stowage: this daemon takes plugins at its start only: change its config file and restart it\n',
    );
  }
});
