import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { demoArchive, mustCtr, must as mustRun, run } from '@stowage/testing';
import { CLI, mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('cli-files');
const IMAGE = 'example.org/demo:1';
const must = (...args: string[]) => mustStowage(suite.daemon.address, args);
const cli = (...args: string[]) => stowage(suite.daemon.address, args);
const sh = (id: string, script: string) => must('exec', id, 'sh', '-c', script);

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
  await must('run', '-d', '--name', 'web', IMAGE, 'sleep', '1000');
}, 60_000);

/** One that does not run, with the same files. */
async function stopped(id: string, script: string): Promise<void> {
  await must('run', '--name', id, IMAGE, 'sh', '-c', script);
}

async function here(name: string): Promise<string> {
  const path = join(suite.dir, name);
  await mkdir(path, { recursive: true });
  return path;
}

test('diff tells what was added, changed and deleted, of one that runs and of one that does not', async () => {
  const script =
    'echo x > /added; mkdir -p /new/deep; touch /new/deep/file; echo y >> /etc/group; rm /etc/passwd; ln -s nowhere /link';
  const lines = [
    'A /added',
    'A /link',
    'A /new',
    'A /new/deep',
    'A /new/deep/file',
    'C /etc',
    'C /etc/group',
    'D /etc/passwd',
  ];
  await stopped('changes', script);
  expect((await must('diff', 'changes')).trim().split('\n').sort()).toEqual(lines);
  await must('run', '-d', '--name', 'changing', IMAGE, 'sh', '-c', `${script}; touch /done; sleep 1000`);
  while (!(await cli('exec', 'changing', 'test', '-e', '/done')))
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await must('diff', 'changing')).trim().split('\n').sort()).toEqual([
    'A /added',
    'A /done',
    ...lines.slice(1),
  ]);
  expect(await must('diff', 'web')).toBe('');
  await must('rm', '-f', 'changing', 'changes');
}, 40_000);

test('commit makes an image of what a container became, and of how it is to run', async () => {
  await must(
    'run',
    '-d',
    '--name',
    'base',
    IMAGE,
    'sh',
    '-c',
    'echo made > /made; rm /etc/group; sleep 1000',
  );
  await sh('base', 'while ! test -e /made; do :; done');
  const flags = [
    '-a',
    'me',
    '-m',
    'one more',
    '-c',
    'CMD ["sh", "-c", "cat /made; echo $WHO; id -u"]',
    '-c',
    'ENV WHO="a b"',
  ];
  expect(await must('commit', ...flags, '-c', 'USER 1000', 'base', 'example.org/made:1')).toMatch(
    /^sha256:[0-9a-f]{64}\n$/,
  );
  expect(await must('ps')).toMatch(/base .*running/);
  await must('rm', '-f', 'base');
  await must('gc', 'run');
  expect(await must('run', '--rm', 'example.org/made:1')).toBe('made\na b\n1000\n');
  expect((await cli('run', '--rm', 'example.org/made:1', 'test', '-e', '/etc/group')).code).toBe(1);
  expect(await must('history', '--no-trunc', 'example.org/made:1')).toMatch(/one more\n/);
  const [about] = JSON.parse(await must('inspect', '--type', 'image', 'example.org/made:1'));
  expect(about).toMatchObject({ author: 'me' });
  expect(about.layers).toHaveLength(2);
  await must('rmi', 'example.org/made:1');
  expect(await cli('commit', '-c', 'RUN x', 'web', 'x')).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining('are known') },
  });
}, 60_000);

test('cp brings files and directories out, by docker’s rules', async () => {
  await sh(
    'web',
    'mkdir -p /d/sub; echo one > /d/one; echo two > /d/sub/two; ln -s one /d/link; busybox chmod 4755 /d/one',
  );
  const to = await here('out');
  await must('cp', 'web:/d/one', to);
  await must('cp', 'web:/d/one', join(to, 'renamed'));
  await must('cp', 'web:d', to);
  await must('cp', 'web:/d/.', join(to, 'content'));
  await must('cp', '-L', 'web:/d/link', join(to, 'followed'));
  expect((await readdir(to)).sort()).toEqual(['content', 'd', 'followed', 'one', 'renamed']);
  for (const path of ['one', 'renamed', 'd/one', 'content/one', 'followed'])
    expect(await readFile(join(to, path), 'utf8')).toBe('one\n');
  expect(await readFile(join(to, 'd/sub/two'), 'utf8')).toBe('two\n');
  expect(await readlink(join(to, 'd/link'))).toBe('one');
  // What runs as its owner there is not to do so here.
  expect((await lstat(join(to, 'one'))).mode & 0o7777).toBe(0o755);
  expect(await cli('cp', 'web:/nowhere', to)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no such file'),
  });
  expect(await cli('cp', 'web:/d', join(to, 'one'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('that is a file'),
  });
}, 60_000);

test('cp brings files in, to one that runs and to one that does not', async () => {
  const from = await here('in');
  await mkdir(join(from, 'tree/sub'), { recursive: true });
  await writeFile(join(from, 'tree/sub/file'), 'hello\n');
  await chmod(join(from, 'tree/sub/file'), 0o640);
  await symlink('sub/file', join(from, 'tree/link'));
  await stopped('idle', 'true');
  for (const id of ['web', 'idle']) {
    await must('cp', join(from, 'tree'), `${id}:/tmp`);
    await must('cp', join(from, 'tree/sub/file'), `${id}:/etc/new.conf`);
    await must('cp', `${join(from, 'tree')}/.`, `${id}:/root`);
    await must('cp', join(from, 'tree/sub/file'), `${id}:/etc/passwd`);
    expect(await cli('cp', from, `${id}:/nowhere/x`)).toMatchObject({ code: 1 });
  }
  await must('commit', 'idle', 'example.org/idle:1');
  const look =
    'cat /tmp/tree/link /etc/new.conf /root/sub/file /etc/passwd; stat -c "%a %u:%g" /tmp/tree/sub/file';
  const seen = 'hello\nhello\nhello\nhello\n640 0:0\n';
  expect(await sh('web', look)).toBe(seen);
  expect(await must('run', '--rm', 'example.org/idle:1', 'sh', '-c', look)).toBe(seen);
  await must('rm', 'idle');
}, 60_000);

test('archives go out and in through pipes', async () => {
  await sh(
    'web',
    'mkdir -p /t/a; echo data > /t/a/file; ln /t/a/file /t/a/hard; ln -s ../a /t/a/up; busybox mkfifo /t/a/fifo',
  );
  const { address } = suite.daemon;
  const to = await here('archive');
  const command = `'${process.execPath}' '${CLI}' -a '${address}'`;
  await mustRun('sh', ['-c', `${command} cp web:/t - | tar x -C '${to}'`]);
  expect(await readFile(join(to, 't/a/hard'), 'utf8')).toBe('data\n');
  expect((await lstat(join(to, 't/a/fifo'))).isFIFO()).toBe(true);
  await mustRun('chown', ['-R', '12:34', join(to, 't')]);
  await mustRun('sh', ['-c', `tar c -C '${to}' t | ${command} cp - web:/tmp`]);
  expect(await sh('web', 'cat /tmp/t/a/up/file; stat -c %u:%g /tmp/t/a/file')).toBe('data\n12:34\n');
  const evil = await run('sh', [
    '-c',
    `tar c -P -C / etc/hostname --transform 's,^,../../,' | ${command} cp - web:/tmp`,
  ]);
  expect(evil).toMatchObject({ code: 1, stderr: expect.stringContaining('leads out of the archive') });
}, 40_000);

test('a container’s links lead to nothing of the host, whether it is read or written', async () => {
  const secret = join(suite.dir, 'secret');
  await writeFile(secret, 'of the host\n');
  const up = '../'.repeat(30);
  const links = [
    `ln -s ${secret} /absolute`,
    `ln -s ${up}${secret} /relative`,
    `ln -s ${suite.dir} /dir`,
    `ln -s /proc/1/root${secret} /magic`,
    'mkdir /tree; ln -s /etc/shadow /tree/shadow; ln -s / /tree/root',
  ].join('; ');
  await stopped('hostile', links);
  await must(
    'run',
    '-d',
    '--name',
    'hostile-up',
    '--pid',
    'host',
    IMAGE,
    'sh',
    '-c',
    `${links}; touch /done; sleep 1000`,
  );
  await sh('hostile-up', 'while ! test -e /done; do :; done');
  const to = await here('hostile');
  for (const id of ['hostile', 'hostile-up']) {
    for (const path of ['/absolute', '/relative', '/dir/secret', '/magic', `/${up}${secret}`]) {
      const { code, stdout } = await cli('cp', '-L', `${id}:${path}`, join(to, 'got'));
      expect({ path, code, stdout }).toEqual({ path, code: 1, stdout: '' });
    }
    // Without -L a link is copied as one, and what is in a tree is not followed.
    await must('cp', `${id}:/tree`, to);
    expect(await readlink(join(to, 'tree/shadow'))).toBe('/etc/shadow');
    // Nor is it when it is there already, and things are to go below it.
    execFileSync('rm', ['-rf', join(to, 'tree')]);
    for (const path of ['/absolute', '/relative', '/dir/secret', '/magic'])
      await cli('cp', '/etc/hostname', `${id}:${path}`);
    expect(await readFile(secret, 'utf8')).toBe('of the host\n');
    expect((await readdir(suite.dir)).sort()).toContain('secret');
  }
  await must('rm', '-f', 'hostile', 'hostile-up');
}, 60_000);

test('a link on the host that stands in the way of a copy is not followed', async () => {
  await sh('web', 'mkdir -p /deep/sub; echo x > /deep/sub/file');
  const [to, elsewhere] = [await here('way'), await here('elsewhere')];
  await mkdir(join(to, 'deep'));
  await symlink(elsewhere, join(to, 'deep/sub'));
  expect(await cli('cp', 'web:/deep', to)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no directory'),
  });
  expect(await readdir(elsewhere)).toEqual([]);
  await must('rm', '-f', 'web');
});
