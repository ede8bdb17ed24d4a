import { chmod, mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { errnoOf } from '@stowage/core';
import { demoArchive, mustCtr } from '@stowage/testing';
import { mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const PARENT = 'stowage-test-parent';

// A runtime removes the container's group, and leaves the parent that it made for it.
afterAll(async () => {
  for (const controller of await readdir('/sys/fs/cgroup')) {
    const path = join('/sys/fs/cgroup', controller, PARENT);
    await rmdir(path).catch((e: unknown) => {
      if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(e) ?? '')) throw e;
    });
  }
});

const suite = withDaemon('cli-run-options');
const IMAGE = 'example.org/demo:1';
const s = (...args: string[]) => stowage(suite.daemon.address, ['run', '--rm', ...args]);
const must = (...args: string[]) => mustStowage(suite.daemon.address, ['run', '--rm', ...args]);
const sh = (script: string) => [IMAGE, 'sh', '-c', script];

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

test('many options at once reach the program', async () => {
  const shown = join(suite.dir, 'shown');
  await mkdir(shown);
  await writeFile(join(shown, 'file'), 'of the host\n');
  const flags = [
    ['-u', 'user'],
    ['-v', `${shown}:/v:ro`],
    ['--mount', `type=bind,src=${shown},dst=/m`],
    ['--tmpfs', '/t:size=1m,mode=1777'],
    ['--shm-size', '2m'],
    ['--ulimit', 'nofile=99:100'],
    ['--pids-limit', '30'],
    ['--cpuset-cpus', '0'],
    ['--sysctl', 'net.ipv4.ip_unprivileged_port_start=1'],
    ['--oom-score-adj', '77'],
    ['--annotation', 'org.example.note=kept'],
    ['--cgroup-parent', `/${PARENT}`],
    ['--read-only'],
  ].flat();
  const script = `id -u; id -g; cat /v/file; touch /v/x 2>/dev/null || echo protected; cat /m/file
    touch /t/x && echo written; busybox df -k /t | busybox tail -1 | busybox awk '{print $2}'
    busybox df -k /dev/shm | busybox tail -1 | busybox awk '{print $2}'; ulimit -n; ulimit -Hn
    busybox grep Cpus_allowed_list /proc/self/status; cat /proc/sys/net/ipv4/ip_unprivileged_port_start
    cat /proc/self/oom_score_adj; busybox grep -c ${PARENT} /proc/self/cgroup; touch /x 2>/dev/null || echo sealed`;
  const lines = (await must(...flags, ...sh(script))).trim().split('\n');
  expect(lines.map((line) => line.replace(/\s+/g, ' '))).toEqual([
    '1000',
    '1000',
    'of the host',
    'protected',
    'of the host',
    'written',
    '1024',
    '2048',
    '99',
    '100',
    'Cpus_allowed_list: 0',
    '1',
    '77',
    expect.stringMatching(/^[1-9]/),
    'sealed',
  ]);
});

test('arguments stand behind the image’s entrypoint, or another one', async () => {
  const cli = (...args: string[]) => mustStowage(suite.daemon.address, args);
  await cli('create', '--name', 'entered', IMAGE, 'true');
  const changes = ['--change', 'ENTRYPOINT ["echo", "entry"]', '--change', 'CMD ["cmd"]'];
  await cli('commit', ...changes, 'entered', 'example.org/entry:1');
  await cli('rm', 'entered');
  const run = (...args: string[]) => must(...args);
  expect(await run('example.org/entry:1')).toBe('entry cmd\n');
  expect(await run('example.org/entry:1', 'a', 'b')).toBe('entry a b\n');
  expect(await run('--entrypoint', 'echo', 'example.org/entry:1')).toBe('\n');
  expect(await run('--entrypoint', 'echo', 'example.org/entry:1', 'c')).toBe('c\n');
  expect(await run('--entrypoint', '', 'example.org/entry:1', 'echo', 'd')).toBe('d\n');
  expect(await s('--entrypoint', '', 'example.org/entry:1')).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('there is no command then'),
  });
}, 60_000);

test('a user is looked up in the image, by name, id and group', async () => {
  const ids = (user: string) => must('-u', user, ...sh('echo $(id -u):$(id -g):$(id -G)'));
  expect(await ids('user')).toBe('1000:1000:1000\n');
  expect(await ids('1000')).toBe('1000:1000:1000\n');
  expect(await ids('root:user')).toBe('0:1000:1000\n');
  expect(await ids('7:8')).toBe('7:8:8\n');
  expect(await s('-u', 'nobody', IMAGE)).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('no "nobody" in the image'),
  });
  expect(await s('-u', '4294967296', IMAGE)).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('user'),
  });
});

test('system calls are filtered, unless one says otherwise', async () => {
  const script = `busybox grep ^Seccomp: /proc/self/status; busybox unshare -U true 2>/dev/null || echo refused`;
  const text = async (...flags: string[]) =>
    (await must(...flags, ...sh(script))).replace(/\s+/g, ' ').trim();
  expect(await text()).toBe('Seccomp: 2 refused');
  expect(await text('--seccomp', 'unconfined')).toBe('Seccomp: 0');
  const profile = join(suite.dir, 'profile.json');
  const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }];
  await writeFile(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }));
  expect(await s('--seccomp', profile, IMAGE, 'mkdir', '/d')).toMatchObject({ code: 1 });
  expect(await s('--seccomp', profile, IMAGE, 'touch', '/d')).toMatchObject({ code: 0 });
});

test('capabilities, privileges, devices', async () => {
  const capabilities = async (...flags: string[]) =>
    (await must(...flags, ...sh('busybox grep CapEff /proc/self/status'))).split('\t')[1]?.trim();
  expect(await capabilities('--cap-drop', 'all', '--cap-add', 'net_admin')).toBe('0000000000001000');
  expect(await capabilities('--cap-drop', 'kill')).toBe('00000000000005db');
  const device = ['--device', '/dev/null:/dev/mine:r'];
  expect(await must(...device, ...sh('busybox stat -c %t:%T /dev/mine'))).toBe('1:3\n');
  const all = await must(
    '--privileged',
    ...sh('busybox grep -E "^(Seccomp|CapEff)" /proc/self/status; ls /dev | wc -l'),
  );
  expect(all).toMatch(/Seccomp:\t0/);
  expect(all).not.toContain('CapEff:\t00000000000005fb');
});

test('namespaces of the host', async () => {
  expect(Number(await must('--pid', 'host', ...sh('ls -d /proc/[0-9]* | wc -l')))).toBeGreaterThan(3);
  const link = (name: string, ...flags: string[]) =>
    must(...flags, ...sh(`ls -l /proc/self/ns/${name} | tr -d ' '`));
  const id = (text: string) => /\[(\d+)\]/.exec(text)?.[1];
  expect(id(await link('ipc', '--ipc', 'host'))).not.toBe(id(await link('ipc')));
  expect(id(await link('uts', '--uts', 'host'))).not.toBe(id(await link('uts')));
});

test('users of its own: root in it is nobody on the host, and the image’s files are its own', async () => {
  // Who is root in it goes through the daemon's directories as somebody of the host.
  await chmod(suite.dir, 0o711);
  const script = `busybox cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '; id -u; id -g; stat -c %u:%g /bin/busybox`;
  const text = await must(
    '--uidmap',
    '0:100000:65536',
    '--gidmap',
    '0:200000:65536',
    '-u',
    'user',
    ...sh(script),
  );
  expect(text.split('\n').map((line) => line.trim())).toEqual([
    '0 100000 65536',
    '0 200000 65536',
    '1000',
    '1000',
    '0:0',
    '',
  ]);
  expect(await must('--uidmap', '0:100000:65536', ...sh('touch /mine && stat -c %u /mine'))).toBe('0\n');
});

test.each([
  [['--uidmap', '0:1'], '0:100000:65536'],
  [['--gidmap', '0:1:1'], '--uidmap'],
  [['--uidmap', '0:100000:10', '-u', '10'], 'user 10 is not in the uid mappings'],
  [['-v', 'data:/x'], 'volumes by name'],
  [['-v', '/a'], '/from:/to'],
  [['--mount', 'type=bind,src=/a'], 'dst='],
  [['--tmpfs', 'x'], 'absolute path'],
  [['--ulimit', 'nofile'], 'nofile=1024'],
  [['--sysctl', 'kernel.core_pattern=x'], 'no namespace holds it'],
  [['--sysctl', 'net.core.somaxconn'], 'name=value'],
  [['--net', 'host', '--sysctl', 'net.core.somaxconn=1'], 'net.core.somaxconn'],
  [['--cap-add', 'almighty'], 'Linux has none'],
  [['--device', '/dev/absent'], 'the host has none'],
  [['--device', 'example.com/gpu=0'], 'example.com/gpu=0'],
  [['--memory', '1m', '--memory-swap', '1k'], 'swap limit'],
  [['--cpuset-cpus', 'x'], '0-2,4'],
  [['--pids-limit', '0'], 'pids limit'],
  [['--seccomp', '/nonexistent'], '/nonexistent'],
  [['--uts', 'host', '--hostname', 'x'], 'uts namespace'],
  [['--cgroup-parent', '../x'], 'cgroup'],
  [['--pids-limit', 'many'], 'whole number'],
])('run %j says what is wrong, and leaves nothing', async (flags, said) => {
  const { code, stderr } = await s(...flags, IMAGE, 'true');
  expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringContaining(said) });
  expect(await mustStowage(suite.daemon.address, ['ps', '-aq'])).toBe('');
  expect(await mustCtr(suite.daemon.address, ['snapshots', 'list'])).not.toContain('Active');
});
