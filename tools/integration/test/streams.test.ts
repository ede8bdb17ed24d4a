import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { withArgs, withTty } from '@stowage/oci-spec';
import { demoArchive, mustCtr, until } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('streams');
const IMAGE = 'example.org/demo:1';
const c = (...args: string[]) => mustCtr(suite.daemon.address, args);

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await c('images', 'import', archive);
}, 60_000);

/** Of the supervisor that the daemon started. */
async function supervisorPid(): Promise<number> {
  const files = await readdir(suite.daemon.state, { recursive: true });
  const info = files.find((path) => path.endsWith('/info.json') && path.includes('/supervisor/'));
  return JSON.parse(await readFile(join(suite.daemon.state, info ?? ''), 'utf8')).pid;
}

async function logger(name: string): Promise<{ readonly path: string; readonly log: string }> {
  const [path, log] = [join(suite.dir, name), join(suite.dir, `${name}.log`)];
  const script = '#!/bin/sh\nexec 5>&-\ncat <&3 >"$2" & cat <&4 >"$2.err"; wait\n';
  await writeFile(path, script, { mode: 0o755 });
  return { path, log };
}

test('a logging binary is given by its URI, and its schemes are told', async () => {
  expect(await c('plugins', 'ls', '-d', 'id==task')).toMatch(/log-uri-schemes\s+fifo,binary,binary-v2,file/);
  const { path, log } = await logger('logger');
  const uri = `binary://${path}?log=${encodeURIComponent(log)}`;
  await c(
    'run',
    '-d',
    '--log-uri',
    uri,
    IMAGE,
    'logged',
    '/bin/sh',
    '-c',
    'echo out; echo err >&2; sleep 1000',
  );
  await until('the log', async () => (await readFile(log, 'utf8').catch(() => '')) === 'out\n');
  // Nothing of the daemon is needed for it.
  await suite.daemon.stop('SIGKILL');
  await suite.daemon.start();
  await c('tasks', 'kill', '--signal', 'SIGKILL', 'logged');
  await until('the end', async () => /logged\s+\d+\s+STOPPED/.test(await c('tasks', 'ls')));
  await c('tasks', 'delete', 'logged').catch(() => '');
  await c('containers', 'delete', 'logged');
  expect(await readFile(`${log}.err`, 'utf8')).toBe('err\n');
});

test('no label of an image names a program', async () => {
  const { path, log } = await logger('never');
  const uri = `binary://${path}?log=${encodeURIComponent(log)}`;
  await c('images', 'label', IMAGE, `containerd.io/restart.loguri=${uri}`, `io.containerd.log-uri=${uri}`);
  const labels = ['--label', `containerd.io/restart.loguri=${uri}`, '--label', `nerdctl/log-uri=${uri}`];
  expect(await c('run', '--rm', ...labels, IMAGE, 'labelled', '/bin/echo', 'here')).toBe('here\n');
  await expect(readFile(log)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a terminal goes on when its supervisor, and then its daemon and the next supervisor, are killed', async () => {
  await using client = connect(suite.daemon.address, { namespace: suite.namespace });
  const container = await client.createContainer({
    id: 'tty',
    image: await client.image(IMAGE),
    spec: [
      withArgs('/bin/sh', '-c', 'stty -echo; echo ready; while read x; do echo "<$x>"; done; exit 7'),
      withTty({ width: 80, height: 24 }),
    ],
  });
  const [stdin, output] = [new PassThrough(), new PassThrough()];
  let shown = '';
  output.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
  });
  const task = await container.createTask({ io: { stdin, stdout: output, terminal: true } });
  const pid = await task.start();
  await until('the first line', () => shown.includes('ready'));
  const first = await supervisorPid();
  process.kill(first, 'SIGKILL');
  await until('another supervisor', async () => (await supervisorPid().catch(() => first)) !== first);
  stdin.write('one\n');
  await until('the second line', () => shown.includes('<one>'));

  await suite.daemon.stop('SIGKILL');
  await suite.daemon.start();
  await c('tasks', 'ls');
  const second = await supervisorPid();
  process.kill(second, 'SIGKILL');
  await until('yet another supervisor', async () => (await supervisorPid().catch(() => second)) !== second);
  stdin.write('two\n');
  await until('the third line', () => shown.includes('<two>'));
  expect(await readFile(`/proc/${pid}/comm`, 'utf8')).toBe('sh\n');

  await using after = connect(suite.daemon.address, { namespace: suite.namespace });
  const exit = after.services.tasks.wait({ containerId: 'tty' });
  await after.services.tasks.closeIO({ containerId: 'tty' });
  expect(await exit).toMatchObject({ exitStatus: 7 });
  await until('the end', () => shown === 'ready\r\n<one>\r\n<two>\r\n');
  await after.services.tasks.delete('tty');
  await task[Symbol.asyncDispose]();
  await (await after.container('tty')).delete();
}, 60_000);
