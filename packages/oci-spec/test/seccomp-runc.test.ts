import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type SpecOption, withCapabilities, withDefaultSeccomp, withMounts } from '../src/index.ts';
import { inContainer, inContainerOf } from './in-container.ts';

/** Numbers of calls: x86-64 and arm64. */
const NUMBERS: Readonly<Record<string, readonly [number, number]>> = {
  getpid: [39, 172],
  mount: [165, 40],
  unshare: [272, 97],
  setns: [308, 268],
  keyctl: [250, 219],
  add_key: [248, 217],
  bpf: [321, 280],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  clone3: [435, 435],
  personality: [135, 92],
  socket: [41, 198],
  reboot: [169, 142],
  ptrace: [101, 117],
  open_by_handle_at: [304, 265],
};

const number = (name: string) => NUMBERS[name]?.[process.arch === 'arm64' ? 1 : 0] ?? -1;

/** The host's programs, so that perl can make any call. */
const hostPrograms = withMounts([
  { destination: '/usr', type: 'bind', source: '/usr', options: ['rbind', 'ro'] },
]);
const prepare = async (rootfs: string) => {
  await mkdir(join(rootfs, 'usr'));
  for (const name of ['lib', 'lib64']) await symlink(`usr/${name}`, join(rootfs, name));
};

/** Makes calls in a container. @returns the error number of each, 0 for none. */
async function calls(
  list: readonly (readonly [name: string, ...args: number[]])[],
  ...options: SpecOption[]
): Promise<number[]> {
  const lines = list.map(
    ([name, ...args]) =>
      `$! = 0; $r = syscall(${[number(name), ...args].join(', ')}); print(($r < 0 ? $! + 0 : 0), "\\n");`,
  );
  const args = ['/usr/bin/perl', '-e', lines.join('\n')];
  const { stdout, stderr } = await inContainerOf({ prepare, args }, '', hostPrograms, ...options);
  const numbers = stdout.trim().split('\n').map(Number);
  if (numbers.length !== list.length) throw new Error(`${stdout}\n${stderr}`);
  return numbers;
}

const [OK, EPERM, ENOSYS] = [0, 1, 38];

// Without the filter each of these fails in another way, or not at all: bad addresses, bad flags.
const REFUSED = [
  ['mount', 0, 0, 0, 0, 0],
  ['unshare', 0],
  ['setns', -1, 0],
  ['keyctl', 0, -3, 0],
  ['add_key', 0, 0, 0, 0, 0],
  ['bpf', 99, 0, 0],
  ['userfaultfd', -1],
  ['io_uring_setup', 0, 0],
  ['personality', 4],
  ['socket', 38, 5, 0],
  ['socket', 40, 1, 0],
  ['socket', 0x1_0000_0026, 5, 0],
  ['reboot', 0, 0, 0, 0],
  ['open_by_handle_at', -1, 0, 0],
] as const;

test('calls that harm are refused, and would not be without the profile', async () => {
  const refused = await calls(REFUSED, withDefaultSeccomp());
  expect(REFUSED.map(([name], i) => `${name} ${refused[i]}`)).toEqual(
    REFUSED.map(([name]) => `${name} ${EPERM}`),
  );
  const without = await calls([
    ['unshare', 0],
    ['keyctl', 0, -3, 0],
    ['personality', 4],
    ['mount', 0, 0, 0, 0, 0],
  ]);
  expect(without.slice(0, 1)).toEqual([OK]);
  expect(without).not.toEqual([EPERM, EPERM, EPERM, EPERM]);
});

test('clone3 seems absent, so that libraries use clone', async () => {
  expect(await calls([['clone3', 0, 0]], withDefaultSeccomp())).toEqual([ENOSYS]);
  const [admin] = await calls(
    [['clone3', 0, 0]],
    withCapabilities({ add: ['sys_admin'] }),
    withDefaultSeccomp(),
  );
  expect(admin).not.toBe(ENOSYS);
});

test('calls that are allowed go through', async () => {
  const allowed = [
    ['getpid'],
    ['personality', 0xffffffff],
    ['personality', 0],
    ['socket', 1, 1, 0],
    ['socket', 2, 1, 0],
    ['socket', 10, 2, 0],
    ['socket', 16, 3, 0],
  ] as const;
  expect(await calls(allowed, withDefaultSeccomp())).toEqual(allowed.map(() => OK));
});

test('a capability brings its calls', async () => {
  const script = '$B mkdir /mnt; $B mount -t tmpfs tmpfs /mnt && echo mounted';
  const admin = withCapabilities({ add: ['sys_admin'] });
  expect((await inContainer(script, admin, withDefaultSeccomp())).stdout).toBe('mounted\n');
  // The profile of fewer capabilities refuses, whatever capability came later.
  const filtered = await inContainer(script, withDefaultSeccomp(), admin);
  expect(filtered).toMatchObject({
    stdout: '',
    stderr: expect.stringMatching(/not permitted|permission denied/),
  });
});

test('ordinary programs run: pipes, jobs, files, links, owners, sockets, clocks', async () => {
  const script = `set -e
    $B seq 100 | $B sort -n | $B tail -1
    ($B sleep 0.01; echo later) & wait
    echo x > /f; $B ln -s f /l; $B chown 5:6 /f; $B chmod 640 /f; $B stat -c %u:%g:%a /f; $B cat /l
    $B mkdir -p /d/e; $B mv /f /d/e/f; $B rm -r /d; $B dd if=/dev/zero of=/z bs=1k count=3 2>/dev/null; $B wc -c < /z
    $B mkfifo /p; (echo through > /p) & $B cat /p; wait
    $B nc -l -p 8080 -s 127.0.0.1 > /got & $B ip link set lo up 2>/dev/null || true; kill %1 2>/dev/null || true
    $B nproc > /dev/null; $B date > /dev/null; $B timeout 5 $B true; $B awk 'BEGIN{print 6*7}'`;
  const { code, stdout, stderr } = await inContainer(script, withDefaultSeccomp());
  expect({ code, lines: stdout.trim().split('\n'), stderr: stderr.replace(/.*level=.*\n/g, '') }).toEqual({
    code: 0,
    lines: ['100', 'later', '5:6:640', 'x', '3072', 'through', '42'],
    stderr: expect.not.stringContaining('not permitted'),
  });
});

test('the kernel says that the process is filtered', async () => {
  const { stdout } = await inContainer('$B grep -E "^Seccomp:" /proc/self/status', withDefaultSeccomp());
  expect(stdout.replace(/\s+/g, ' ').trim()).toBe('Seccomp: 2');
});
