import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { demoArchive, mustCtr, run, until } from '@stowage/testing';
import { beginStowage, CLI, mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('cli');
const IMAGE = 'example.org/demo:1';
const s = (...args: string[]) => stowage(suite.daemon.address, args, { env: { TMPDIR: tmp } });
const must = (...args: string[]) => mustStowage(suite.daemon.address, args, { env: { TMPDIR: tmp } });
let tmp: string;

beforeAll(async () => {
  tmp = join(suite.dir, 'tmp');
  await mkdir(tmp);
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

test('run hands on output, errors and exit codes', async () => {
  const program = 'echo out; echo err >&2; exit 3';
  expect(await s('run', '--rm', IMAGE, 'sh', '-c', program)).toMatchObject({
    code: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  expect(await s('run', '--rm', IMAGE, 'true')).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('run -e, -w and --hostname say what the program finds around it', async () => {
  const program = 'echo "$A|$FROM_HERE|$ABSENT|$(pwd)|$(hostname)"';
  const flags = ['-e', 'A=x=y', '-e', 'FROM_HERE', '-e', 'ABSENT', '-w', '/tmp', '--hostname', 'box'];
  const args = ['run', '--rm', ...flags, IMAGE, 'sh', '-c', program];
  const { stdout } = await stowage(suite.daemon.address, args, { env: { FROM_HERE: 'here' } });
  expect(stdout).toBe('x=y|here||/tmp|box\n');
});

test('run --read-only, --memory, --cpus and --net host bound it', async () => {
  const readOnly = await s('run', '--rm', '--read-only', IMAGE, 'touch', '/x');
  expect(readOnly).toMatchObject({ code: 1, stderr: expect.stringContaining('Read-only file system') });
  expect(await must('run', '--rm', '--net', 'host', IMAGE, 'hostname')).not.toBe('');
  const name = 'bounded';
  await must('run', '-d', '--name', name, '--memory', '64m', '--cpus', '0.5', IMAGE, 'sleep', '100');
  const spec = JSON.parse(await mustCtr(suite.daemon.address, ['containers', 'info', name]));
  expect(spec.Spec.linux.resources.memory.limit).toBe(64 * 1024 * 1024);
  expect(spec.Spec.linux.resources.cpu.quota / spec.Spec.linux.resources.cpu.period).toBe(0.5);
  expect(await mustCtr(suite.daemon.address, ['tasks', 'metrics', name])).toContain('memory');
  await must('rm', '-f', name);
  const namespaces = async (...flags: string[]) =>
    (await must('run', '--rm', ...flags, IMAGE, 'ls', '-l', '/proc/self/ns/net')).match(/net:\[(\d+)\]/)?.[1];
  const { stdout } = await run('readlink', ['/proc/self/ns/net']);
  expect(stdout).toContain(await namespaces('--net', 'host'));
  expect(stdout).not.toContain(await namespaces());
});

test('run -i hands on input to its end', async () => {
  const args = ['run', '-i', '--rm', IMAGE, 'sh', '-c', 'sleep 0.3; wc -c'];
  const input = 'x'.repeat(1_000_000);
  expect(await stowage(suite.daemon.address, args, { input })).toMatchObject({
    code: 0,
    stdout: '1000000\n',
  });
  const cat = ['run', '-i', '--rm', IMAGE, 'cat'];
  expect(await stowage(suite.daemon.address, cat, { input: '' })).toMatchObject({ code: 0, stdout: '' });
});

test('a program that reads nothing does not wait for input that stays open', async () => {
  const begun = beginStowage(suite.daemon.address, ['run', '-i', '--rm', IMAGE, 'echo', 'done']);
  expect(await begun.end).toMatchObject({ code: 0 });
  expect(begun.out()).toBe('done\n');
});

test('output larger than any pipe reaches a slow reader whole', async () => {
  const command = `"${process.execPath}" "${CLI}" -a "${suite.daemon.address}" run --rm ${IMAGE} seq 300000`;
  const slow = await run('sh', ['-c', `${command} | (sleep 1; md5sum)`]);
  const { stdout } = await run('sh', ['-c', 'seq 300000 | md5sum']);
  expect(slow.stdout).toBe(stdout);
});

test('a reader that leaves ends an endless program, and the container goes', async () => {
  const command = `"${process.execPath}" "${CLI}" -a "${suite.daemon.address}" run --rm ${IMAGE} yes`;
  expect(await run('sh', ['-c', `${command} | head -1`])).toMatchObject({ stdout: 'y\n', stderr: '' });
  await until('the container to go', async () => (await must('ps', '-aq')) === '');
});

test('run -d, ps, exec, rm', async () => {
  expect(await must('run', '-d', '--name', 'web', IMAGE, 'sleep', '100')).toBe('web\n');
  expect(await must('ps')).toMatch(
    /web +example\.org\/demo:1 +sleep 100 +\d+ seconds? ago +running, pid \d+/,
  );
  expect(await must('exec', 'web', 'echo', 'inside')).toBe('inside\n');
  const args = ['exec', '-i', '-w', '/tmp', '-e', 'A=b', 'web', 'sh', '-c', 'cat; pwd; echo $A; exit 4'];
  const input = 'to it\n';
  expect(await stowage(suite.daemon.address, args, { input })).toMatchObject({
    code: 4,
    stdout: 'to it\n/tmp\nb\n',
  });
  const stays = await s('rm', 'web');
  expect(stays).toMatchObject({ code: 1, stderr: expect.stringContaining('it is running; stop it first') });
  const both = await s('rm', '-f', 'absent', 'web');
  expect(both).toMatchObject({ code: 1, stdout: 'web\n' });
  expect(both.stderr).toContain('container "absent": not found');
  expect(await must('ps', '-aq')).toBe('');
});

test('a container without --rm stays, shows with ps -a only, and holds its name', async () => {
  await must('run', '--name', 'stays', IMAGE, 'true');
  expect(await must('ps', '-q')).toBe('');
  expect(await must('ps', '-aq')).toBe('stays\n');
  expect(await must('ps', '-a')).toMatch(/stays .*not running/);
  const again = await s('run', '--name', 'stays', IMAGE, 'true');
  expect(again.code).toBe(125);
  expect(again.stderr).toMatch(/exists already.*\n.*stowage rm/);
  expect(await must('rm', 'stays')).toBe('stays\n');
});

test('a paused container is removed by force', async () => {
  await must('run', '-d', '--name', 'frozen', IMAGE, 'sleep', '100');
  await mustCtr(suite.daemon.address, ['tasks', 'pause', 'frozen']);
  expect(await must('ps')).toMatch(/frozen .*paused/);
  expect(await must('rm', '-f', 'frozen')).toBe('frozen\n');
});

test('images lists them', async () => {
  expect(await must('images')).toMatch(/example\.org\/demo:1 +[0-9a-f]{12} +\d+ \w+ ago +1\.\d+ MB/);
  expect(await must('images', '-q')).toBe(`${IMAGE}\n`);
});

test('version shows both ends', async () => {
  expect(await must('version')).toMatch(/^stowage +0\.\d+\.\d+\ndaemon +2\.\d+\.\d+\+stowage\./);
});

test('nothing of all that is left', async () => {
  expect(await readdir(tmp)).toEqual([]);
  expect(await must('ps', '-aq')).toBe('');
  expect(await mustCtr(suite.daemon.address, ['tasks', 'ls', '-q'])).toBe('');
  expect(await mustCtr(suite.daemon.address, ['leases', 'ls', '-q'])).toBe('');
  expect(await mustCtr(suite.daemon.address, ['snapshots', 'ls'])).not.toContain('Active');
});
