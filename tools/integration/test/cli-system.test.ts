import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { demoArchive, mustCtr, run, until } from '@stowage/testing';
import { beginStowage, CLI, mustStowage, stateOf, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('cli-system');
const IMAGE = 'example.org/demo:1';
const must = (...args: string[]) => mustStowage(suite.daemon.address, args);
const cli = (...args: string[]) => stowage(suite.daemon.address, args);
const load = async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
};

beforeAll(load, 60_000);

test('top lists the processes of a container', async () => {
  await must('run', '-d', '--name', 'busy', IMAGE, 'sh', '-c', 'sleep 4321 & sleep 1234; true');
  await until('both', async () => (await must('top', 'busy')).split('\n').length > 4);
  const [heading = '', ...rows] = (await must('top', 'busy')).trim().split('\n');
  expect(heading.split(/ +/)).toEqual(['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
  expect(rows.map((row) => row.replace(/^.*\d\d:\d\d:\d\d +/, '')).sort()).toEqual([
    'sh -c sleep 4321 & sleep 1234; true',
    'sleep 1234',
    'sleep 4321',
  ]);
  const [, pid = ''] = rows[0]?.split(/ +/) ?? [];
  expect(await readFile(`/proc/${pid}/comm`, 'utf8')).toBe('sh\n');
  expect(await cli('top', 'nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('stowage ps -a'),
  });
  await must('rm', '-f', 'busy');
}, 30_000);

test('stats tells processor, memory and processes, of those that are named or all', async () => {
  await must('run', '-d', '--name', 'works', '--memory', '64m', IMAGE, 'sh', '-c', 'while :; do :; done');
  await must('run', '-d', '--name', 'rests', '--net', 'host', IMAGE, 'sleep', '1000');
  const lines = (await must('stats', '--no-stream', '--format', 'json')).trim().split('\n');
  const [works, rests] = ['works', 'rests'].map((id) =>
    lines.map((line) => JSON.parse(line)).find((one) => one.id === id),
  );
  expect(works).toMatchObject({ memoryLimitBytes: 64 * 1024 * 1024, pids: 1, receivedBytes: 0 });
  expect(works.cpuPercent).toBeGreaterThan(rests.cpuPercent);
  expect(works.memoryBytes).toBeGreaterThan(0);
  expect(rests).not.toHaveProperty('receivedBytes');
  const table = await must('stats', '--no-stream', 'rests');
  expect(table).toMatch(
    /^CONTAINER +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS\nrests +\d+\.\d\d% .* -- .* 1\n$/,
  );
  const live = beginStowage(suite.daemon.address, ['stats', 'rests']);
  await until('two of them', async () => live.out().split('CONTAINER').length > 2);
  live.child.kill('SIGINT');
  expect(await live.end).toMatchObject({ code: 130 });
  expect(await cli('stats', 'nobody')).toMatchObject({ code: 1 });
  await must('rm', '-f', 'works', 'rests');
}, 40_000);

test('namespaces come, are labelled and go', async () => {
  const name = `${suite.namespace}-more`;
  expect(await must('namespace', 'create', name, 'team=blue')).toBe(`${name}\n`);
  expect(await cli('ns', 'create', name)).toMatchObject({ code: 1 });
  await must('namespace', 'label', name, 'owner=me', 'team=');
  expect(await must('namespace', 'ls')).toMatch(
    new RegExp(`^NAMESPACE +LABELS\\n(.*\\n)*${name} +owner=me\\n`, 'm'),
  );
  expect(await must('namespace', 'ls', '-q')).toContain(`${suite.namespace}\n`);
  expect(await cli('namespace', 'rm', suite.namespace)).toMatchObject({ code: 1 });
  expect(await must('namespace', 'rm', name)).toBe(`${name}\n`);
  expect(await must('namespace', 'ls')).not.toContain(name);
}, 30_000);

test('leases come and go', async () => {
  expect(await must('lease', 'create', '--id', 'mine', '--expires', '2h', 'why=test')).toBe('mine\n');
  expect(await must('lease', 'ls')).toMatch(
    /^LEASE +CREATED +EXPIRES +LABELS\nmine .*\d\d:\d\d:\d\dZ +why=test\n$/,
  );
  expect(await must('lease', 'rm', 'mine')).toBe('mine\n');
  expect(await must('lease', 'ls', '-q')).toBe('');
  expect(await cli('lease', 'rm', 'mine')).toMatchObject({ code: 1 });
}, 30_000);

test('snapshots are listed, drawn, measured and removed', async () => {
  await must('create', '--name', 'drawn', IMAGE, 'true');
  await mustCtr(suite.daemon.address, ['-n', suite.namespace, 'snapshots', 'prepare', 'alone']);
  const tree = await must('snapshot', 'tree');
  expect(tree).toMatch(/^alone \(active\)\nsha256:[0-9a-f]{64}\n└── drawn \(active\)\n$/);
  expect(await must('snapshot', 'ls')).toMatch(/drawn +sha256:[0-9a-f]{64} +active/);
  expect(await must('snapshot', 'usage')).toMatch(/^KEY +SIZE +INODES\n(.*\n)*drawn .*B +\d+\n/m);
  expect(await cli('snapshot', 'usage', 'nothing')).toMatchObject({ code: 1 });
  const parent = /sha256:\S+/.exec(tree)?.[0] ?? '';
  expect(await cli('snapshot', 'rm', parent)).toMatchObject({ code: 1 });
  expect(await must('snapshot', 'rm', 'alone')).toBe('alone\n');
  expect(await cli('snapshot', '--snapshotter', 'none', 'ls')).toMatchObject({ code: 1 });
  await must('rm', 'drawn');
}, 30_000);

test('info tells what there is', async () => {
  const text = await must('info');
  expect(text).toContain(`Root: ${suite.daemon.root}\n`);
  expect(text).toMatch(/^Snapshotters: .*overlayfs/m);
  expect(text).toMatch(/^Kernel: Linux /m);
  const about = JSON.parse(await must('info', '--format', 'json'));
  expect(about).toMatchObject({
    images: 1,
    containers: { all: 0 },
    plugins: { failed: [] },
    pid: suite.daemon.pid,
  });
}, 30_000);

test('lists are written as JSON, by templates, and as names', async () => {
  await must('create', '--name', 'listed', '--label', 'a.b=c', IMAGE, 'sh', '-c', 'true');
  const one = JSON.parse(await must('ps', '-a', '--format', 'json'));
  expect(one).toMatchObject({ id: 'listed', command: ['sh', '-c', 'true'], state: 'not running' });
  const template = '{{.ID}} {{.Status | upper}} {{index .labels "a.b"}} {{join .command "+"}}';
  expect(await must('ps', '-a', '--format', template)).toBe('listed NOT RUNNING c sh+-c+true\n');
  expect(await must('ps', '-a', '--format', 'table {{.Names}}\\t{{.Image}}')).toBe(
    `NAMES    IMAGE\nlisted   ${IMAGE}\n`,
  );
  expect(await cli('ps', '-a', '--format', '{{.Nothing}}')).toMatchObject({
    code: 1,
    stderr:
      'stowage: --format: there is no field .Nothing; there are .ID, .Image, .Command, .RunningFor, .Status, .Names, .Labels, .CreatedAt, .UpdatedAt, .State, .Pid, .ExitStatus, .Runtime, .Snapshotter, .SnapshotKey\n',
  });
  expect(await must('images', '--format', '{{.Repository}}|{{.Tag}}')).toBe('example.org/demo|1\n');
  expect(await must('image', 'ls', '-q')).toBe(`${IMAGE}\n`);
  expect(await must('inspect', '-f', '{{.Type}} {{.Runtime}}', 'listed')).toMatch(/^container \S+\n$/);
  expect(await must('info', '--format', '{{.Containers.All}}')).toBe('1\n');
  expect(await must('version', '--format', '{{.Client.Version}}')).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await must('snapshot', 'ls', '-q')).toContain('listed\n');
  expect(await must('content', 'ls', '--format', '{{.Digest}}')).toBe(await must('content', 'ls', '-q'));
  expect(await must('plugins', 'ls', '-q')).toContain('io.containerd.snapshotter.v1.overlayfs\n');
  expect(await must('df', '--format', '{{.Type}}:{{.Name}}')).toMatch(/^total:$/m);
  expect(await must('history', '-q', IMAGE)).toMatch(/^(sha256:[0-9a-f]{64}\n)+$/);
  expect(await must('namespace', 'ls', '--format', '{{.Name}}')).toContain(`${suite.namespace}\n`);
  await must('lease', 'create', '--id', 'listed');
  expect(await must('lease', 'ls', '--format', '{{.ID}} {{.Expires}}')).toBe('listed never\n');
  await must('lease', 'rm', 'listed');
  expect(await must('operations', 'ls', '--format', 'json')).toBe('');
  const bad = await cli('-a', '/nowhere.sock', 'ps', '--format', 'yaml');
  expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining('expected table, json') });
  await must('rm', 'listed');
}, 60_000);

test('prune asks first, and tells what went and how much that freed', async () => {
  await must('run', '--name', 'over', IMAGE, 'dd', 'if=/dev/zero', 'of=/big', 'bs=1000000', 'count=3');
  await must('run', '-d', '--name', 'runs', IMAGE, 'sleep', '1000');
  expect(await cli('container', 'prune')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('use -f'),
  });
  const { address } = suite.daemon;
  const env = { STOWAGE_CLI_STATE: stateOf(address), TERM: 'xterm' };
  const command = `'${process.execPath}' '${CLI}' -a '${address}' container prune`;
  const no = await run('script', ['-qec', command, '/dev/null'], { env, input: 'n\n' });
  expect({ code: no.code, said: no.stdout }).toEqual({
    code: 1,
    said: expect.stringContaining('nothing was removed'),
  });
  expect(await must('ps', '-aq')).toContain('over');
  const yes = await run('script', ['-qec', command, '/dev/null'], { env, input: 'y\n' });
  expect(yes.stdout).toMatch(/removed container over\r\nfreed 3\.\d\d MB\r\n/);
  expect(await must('ps', '-aq')).toBe('runs\n');
  expect(await must('image', 'prune', '-a', '-f')).toMatch(/^freed /);
  await must('rm', '-f', 'runs');
  expect(await must('image', 'prune', '-f')).toMatch(/^freed /);
  expect(await must('images', '-q')).toBe(`${IMAGE}\n`);
  await must('create', '--name', 'idle', IMAGE, 'true');
  const all = await must('system', 'prune', '-a', '-f');
  expect(all).toMatch(
    new RegExp(
      `^removed container idle\\nremoved image ${IMAGE}\\nfreed .* of containers, and (\\d\\.\\d+) MB by the collection\\n$`,
    ),
  );
  expect(await must('images', '-q')).toBe('');
}, 60_000);
