import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demoArchive, mustCtr, type Program, startContainerd } from '@stowage/testing';
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
