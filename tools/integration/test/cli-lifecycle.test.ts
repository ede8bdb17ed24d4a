import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { demoArchive, mustCtr, until } from '@stowage/testing';
import { beginStowage, mustStowage, stateOf, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('cli-lifecycle');
const IMAGE = 'example.org/demo:1';
const must = (...args: string[]) => mustStowage(suite.daemon.address, args);
const cli = (...args: string[]) => stowage(suite.daemon.address, args);
const HEEDS = [
  'sh',
  '-c',
  'trap "echo told; exit 7" TERM; trap "exit 8" INT; echo up; while :; do sleep 0.05; done',
];

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

/** Its trap is set once it says so. */
const isUp = (id: string) =>
  until(`${id} to be up`, async () => (await cli('logs', id)).stdout.includes('up'));

test('create, start, stop, start again, wait, rm', async () => {
  expect(await must('create', '--name', 'web', IMAGE, ...HEEDS)).toBe('web\n');
  expect(await must('ps')).not.toContain('web');
  expect(await must('start', 'web')).toBe('web\n');
  await isUp('web');
  expect(await must('stop', 'web')).toBe('web\n');
  expect(await must('ps', '-a')).toMatch(/web .*exited \(7\)/);
  expect(await must('wait', 'web')).toBe('7\n');
  expect(await must('stop', 'web')).toBe('web\n');
  expect(await must('start', 'web')).toBe('web\n');
  expect(await must('start', 'web')).toBe('web\n');
  expect(await must('ps')).toMatch(/web .*running/);
  expect(await must('rm', '-f', 'web')).toBe('web\n');
  for (const verb of ['start', 'stop', 'kill', 'restart', 'wait', 'pause', 'unpause'])
    expect(await cli(verb, 'web')).toMatchObject({ code: 1, stderr: expect.stringContaining('web') });
}, 60_000);

test('stop kills what does not heed, in the time that is given; restart starts it again', async () => {
  await must(
    'run',
    '-d',
    '--name',
    'deaf',
    IMAGE,
    'sh',
    '-c',
    'trap "" TERM; echo up; while :; do sleep 0.05; done',
  );
  await isUp('deaf');
  const before = Date.now();
  expect(await must('stop', '-t', '1', 'deaf')).toBe('deaf\n');
  expect(Date.now() - before).toBeGreaterThanOrEqual(1000);
  expect(await must('wait', 'deaf')).toBe('137\n');
  await must('start', 'deaf');
  const pid = async () => /pid (\d+)/.exec(await must('ps'))?.[1];
  const first = await pid();
  expect(await must('restart', '-t', '0', 'deaf')).toBe('deaf\n');
  const second = await pid();
  expect(second).toMatch(/^\d+$/);
  expect(second).not.toBe(first);
  await must('rm', '-f', 'deaf');
}, 60_000);

test('the signal of a stop is that of the flag, the container, the image, or TERM', async () => {
  await must('run', '-d', '--name', 'int', '--stop-signal', 'INT', IMAGE, ...HEEDS);
  await isUp('int');
  await must('stop', 'int');
  expect(await must('wait', 'int')).toBe('8\n');
  await must('start', 'int');
  await until('it to be up again', async () => (await must('logs', 'int')).split('up').length > 2);
  await must('stop', '-s', 'TERM', 'int');
  expect(await must('wait', 'int')).toBe('7\n');
  await must('rm', 'int');
  expect(await cli('stop', '-s', 'NOPE', 'int')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('signal "NOPE" is not known'),
  });
}, 60_000);

test('kill sends a signal, KILL unless told; pause holds, and a stop ends what is held', async () => {
  await must('run', '-d', '--name', 'one', IMAGE, ...HEEDS);
  await isUp('one');
  const waiting = beginStowage(suite.daemon.address, ['wait', 'one']);
  expect(await must('kill', '-s', 'int', 'one')).toBe('one\n');
  expect(await waiting.end).toMatchObject({ code: 0 });
  expect(waiting.out()).toBe('8\n');
  expect(await cli('kill', 'one')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('it does not run'),
  });
  await must('start', 'one');
  await until('it to be up again', async () => (await must('logs', 'one')).split('up').length > 2);
  expect(await must('pause', 'one')).toBe('one\n');
  expect(await must('ps')).toMatch(/one .*paused/);
  expect(await must('unpause', 'one')).toBe('one\n');
  await must('pause', 'one');
  expect(await must('stop', 'one')).toBe('one\n');
  expect(await must('wait', 'one')).toBe('7\n');
  await must('rm', 'one');
}, 60_000);

test('start -a stays with it to its end; a terminal of its own is no obstacle', async () => {
  await must('create', '--name', 'once', IMAGE, 'sh', '-c', 'echo out; echo err >&2; exit 5');
  for (let times = 0; times < 2; times++)
    expect(await cli('start', '-a', 'once')).toMatchObject({ code: 5, stdout: 'out\n', stderr: 'err\n' });
  await must('rm', 'once');
  await must('create', '-i', '--name', 'reads', IMAGE, 'wc', '-c');
  expect(await stowage(suite.daemon.address, ['start', '-ai', 'reads'], { input: 'four' })).toMatchObject({
    code: 0,
    stdout: '4\n',
  });
  await must('rm', 'reads');
  const nothing = await cli('create', '--name', 'bad', IMAGE, 'nope');
  expect(nothing.code).toBe(0);
  expect(await cli('start', '-a', 'bad')).toMatchObject({ code: 127 });
  await must('rm', 'bad');
}, 60_000);

test('labels, variables of a file, an id file, and a name that is taken', async () => {
  const [envFile, cidFile] = [join(suite.dir, 'env'), join(suite.dir, 'cid')];
  await writeFile(envFile, '# said once\nA=1\n\nB=two words\n');
  const flags = [
    '--env-file',
    envFile,
    '-e',
    'A=3',
    '--cidfile',
    cidFile,
    '-l',
    'tier=front',
    '--label',
    'bare',
  ];
  expect(await must('run', '--name', 'told', ...flags, IMAGE, 'sh', '-c', 'echo $A $B')).toBe(
    '3 two words\n',
  );
  expect(await readFile(cidFile, 'utf8')).toBe('told');
  expect(JSON.parse(await must('inspect', 'told'))[0].labels).toMatchObject({ tier: 'front' });
  expect(await cli('run', '--name', 'other', '--cidfile', cidFile, IMAGE, 'true')).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('it is there'),
  });
  expect(await cli('create', '--name', 'told', IMAGE, 'true')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Choose another --name'),
  });
  await must('rm', 'told');
  expect(await must('ps', '-aq')).toBe('');
}, 60_000);

test('--restart starts it again, until it is stopped; what nobody knows is refused', async () => {
  const script = 'echo up; trap "exit 7" TERM; while ! test -e /end; do sleep 0.05; done; rm /end; exit 1';
  await must('run', '-d', '--name', 'again', '--restart', 'always', IMAGE, 'sh', '-c', script);
  await isUp('again');
  await must('exec', 'again', 'touch', '/end');
  await until(
    'it to be up again, in the same log',
    async () => (await must('logs', 'again')) === 'up\nup\n',
    30_000,
  );
  expect(await must('stop', 'again')).toBe('again\n');
  const { labels } = JSON.parse(await must('inspect', 'again'))[0];
  expect(labels).toMatchObject({
    'containerd.io/restart.status': 'stopped',
    'containerd.io/restart.explicitly-stopped': 'true',
  });
  await must('rm', '-f', 'again');
  expect(await cli('run', '--restart', 'sometimes', IMAGE, 'true')).toMatchObject({
    ...{ code: 125, stderr: expect.stringContaining('are known') },
  });
  expect(await must('ps', '-aq')).toBe('');
}, 60_000);

test('--init is refused where there is none', async () => {
  const env = { PATH: suite.dir };
  const { code, stderr } = await stowage(suite.daemon.address, ['run', '--init', IMAGE, 'true'], { env });
  expect({ code, stderr }).toEqual({
    code: 125,
    stderr: expect.stringContaining('install the package tini'),
  });
});

test('--init has what is found be the first process', async () => {
  const dir = join(suite.dir, 'bin');
  await mkdir(dir);
  // A stand-in, which needs only the image's shell.
  await writeFile(join(dir, 'tini'), '#!/bin/sh\nshift\necho "I start $@"\nexec "$@"\n', { mode: 0o755 });
  const env = { PATH: `${dir}:${process.env.PATH}` };
  const args = ['run', '--rm', '--init', IMAGE, 'echo', 'it'];
  expect(await mustStowage(suite.daemon.address, args, { env })).toBe('I start echo it\nit\n');
});

test('--pid container: sees the processes of another', async () => {
  await must('run', '-d', '--name', 'seen', IMAGE, 'sleep', '1234');
  expect(await must('run', '--rm', '--pid', 'container:seen', IMAGE, 'ps')).toContain('sleep 1234');
  expect(await cli('run', '--rm', '--pid', 'container:none', IMAGE, 'ps')).toMatchObject({ code: 125 });
  await must('rm', '-f', 'seen');
}, 30_000);

test('run -d --rm goes at the stop, with its log', async () => {
  await must('run', '-d', '--rm', '--name', 'gone', IMAGE, ...HEEDS);
  await isUp('gone');
  const [daemon = ''] = await readdir(stateOf(suite.daemon.address));
  const log = join(stateOf(suite.daemon.address), daemon, suite.namespace, 'gone', 'log');
  await access(log);
  await must('stop', 'gone');
  expect(await must('ps', '-aq')).toBe('');
  await expect(access(log)).rejects.toMatchObject({ code: 'ENOENT' });
}, 30_000);
