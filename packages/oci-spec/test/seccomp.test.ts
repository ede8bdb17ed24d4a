import { expect, test } from '@jest/globals';
import {
  ALL_CAPABILITIES,
  composeSpec,
  DEFAULT_CAPABILITIES,
  defaultSeccomp,
  parseSeccomp,
  type Seccomp,
  type SpecOption,
  withArgs,
  withCapabilities,
  withDefaultSeccomp,
  withoutSeccomp,
  withPrivileged,
  withSeccomp,
  withSeccompByDefault,
} from '../src/index.ts';

const compose = (...options: SpecOption[]) =>
  composeSpec({ namespace: 'n', id: 'c' }, withArgs('sh'), ...options);
const profile = (capabilities: readonly string[] = DEFAULT_CAPABILITIES, more = {}) =>
  defaultSeccomp({ capabilities, architecture: 'amd64', kernel: '6.1.0', ...more });

/** What the profile lets through whatever its arguments are. */
const allowed = (seccomp: Seccomp) =>
  new Set(
    seccomp.syscalls?.flatMap((r) => (r.action === 'SCMP_ACT_ALLOW' && r.args === undefined ? r.names : [])),
  );
const values = (seccomp: Seccomp, name: string) =>
  seccomp.syscalls?.flatMap((r) => (r.names.includes(name) ? (r.args?.map((a) => a.value) ?? []) : []));

test('what is not listed fails with EPERM, and nothing dangerous is listed', () => {
  const seccomp = profile();
  expect(seccomp).toMatchObject({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 });
  const calls = allowed(seccomp);
  for (const call of ['read', 'openat', 'execve', 'futex', 'statx', 'rseq', 'mmap', 'accept4', 'arch_prctl'])
    expect(calls).toContain(call);
  const refused =
    `add_key keyctl request_key kexec_load kexec_file_load userfaultfd io_uring_setup io_uring_enter
    io_uring_register swapon swapoff nfsservctl uselib ustat sysfs move_pages migrate_pages create_module pivot_root
    mount umount2 unshare setns bpf perf_event_open ptrace_x open_by_handle_at name_to_handle_at init_module reboot
    chroot acct settimeofday clock_settime quotactl syslog vm86 vm86old ioperm iopl process_vm_writev socketcall
    clone clone3 socket personality`.split(/\s+/);
  expect(refused.filter((call) => calls.has(call))).toEqual([]);
});

test('each call is listed once, and no name has anything but a call in it', () => {
  const names = profile(ALL_CAPABILITIES).syscalls?.find((r) => r.args === undefined)?.names ?? [];
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(350);
  expect(names.filter((name) => !/^[a-z0-9_]+$/.test(name))).toEqual([]);
});

test.each([
  ['CAP_SYS_ADMIN', ['mount', 'umount2', 'unshare', 'setns', 'clone', 'clone3', 'bpf', 'fsopen']],
  ['CAP_SYS_CHROOT', ['chroot']],
  ['CAP_SYS_PTRACE', ['process_vm_readv', 'process_vm_writev', 'kcmp', 'pidfd_getfd']],
  ['CAP_SYS_MODULE', ['init_module', 'finit_module', 'delete_module']],
  ['CAP_SYS_TIME', ['settimeofday', 'clock_settime']],
  ['CAP_SYS_BOOT', ['reboot']],
  ['CAP_SYS_PACCT', ['acct']],
  ['CAP_SYS_RAWIO', ['iopl', 'ioperm']],
  ['CAP_SYS_TTY_CONFIG', ['vhangup']],
  ['CAP_SYS_NICE', ['mbind', 'set_mempolicy', 'get_mempolicy']],
  ['CAP_SYSLOG', ['syslog']],
  ['CAP_BPF', ['bpf']],
  ['CAP_PERFMON', ['perf_event_open']],
  ['CAP_DAC_READ_SEARCH', ['open_by_handle_at']],
])('%s brings its calls, which are refused without it', (capability, calls) => {
  const bare = allowed(profile([]));
  const having = allowed(profile([capability]));
  for (const call of calls) {
    expect(having).toContain(call);
    expect(bare).not.toContain(call);
  }
});

test('clone makes no namespaces, and clone3, whose flags no filter sees, seems absent, but for CAP_SYS_ADMIN', () => {
  expect(values(profile(), 'clone')).toEqual([0x7e020000]);
  expect(profile().syscalls).toContainEqual({ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 });
  expect(values(profile(['CAP_SYS_ADMIN']), 'clone')).toEqual([]);
  const s390 = profile([], { architecture: 's390x' }).syscalls?.find((r) => r.names[0] === 'clone');
  expect(s390?.args?.[0]?.index).toBe(1);
});

test('personality takes five values', () => {
  expect(values(profile(), 'personality')).toEqual([0, 8, 0x20000, 0x20008, 0xffffffff]);
});

test('sockets are of ordinary families; those of the host and the kernel’s cryptography never are', () => {
  expect(values(profile(), 'socket')).toEqual([1, 2, 10, 16, 17]);
  const all = values(profile(['CAP_NET_ADMIN']), 'socket');
  expect(all).toContain(29);
  for (const [family] of [[38], [40]]) expect(all).not.toContain(family);
  // Equality only: a comparison for inequality looks at bits that the kernel ignores.
  const ops = profile().syscalls?.flatMap((r) => (r.names.includes('socket') ? (r.args ?? []) : []));
  expect(new Set(ops?.map((a) => a.op))).toEqual(new Set(['SCMP_CMP_EQ']));
});

test('architecture and kernel decide', () => {
  expect(profile().architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
  const arm = profile([], { architecture: 'arm64' });
  expect(arm.architectures).toEqual(['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']);
  expect(allowed(arm)).toContain('set_tls');
  expect(allowed(arm)).not.toContain('arch_prctl');
  expect(allowed(profile())).not.toContain('set_tls');
  for (const [kernel, traced] of [
    ['4.7.9', false],
    ['3.10.0-1160', false],
    ['4.8', true],
    ['4.18.0-553.el8', true],
    ['6.18.44-x', true],
    ['10.0', true],
  ] as const)
    expect([kernel, allowed(profile([], { kernel })).has('ptrace')]).toEqual([kernel, traced]);
});

test('the option goes by the capabilities that the spec has where it stands', async () => {
  const admin = withCapabilities({ add: ['sys_admin'] });
  const after = await compose(admin, withDefaultSeccomp());
  if (!after.linux?.seccomp) throw new Error('no profile');
  expect(allowed(after.linux.seccomp)).toContain('mount');
  const before = await compose(withDefaultSeccomp(), admin);
  if (!before.linux?.seccomp) throw new Error('no profile');
  expect(allowed(before.linux.seccomp)).not.toContain('mount');
});

test('no profile by default, none without, none when privileged', async () => {
  for (const options of [
    [],
    [withDefaultSeccomp(), withoutSeccomp()],
    [withDefaultSeccomp(), withPrivileged()],
  ])
    expect((await compose(...options)).linux).not.toHaveProperty('seccomp');
});

test('by default means where nothing else was said', async () => {
  const last = withSeccompByDefault();
  expect((await compose(last)).linux?.seccomp).toEqual((await compose(withDefaultSeccomp())).linux?.seccomp);
  const own = { defaultAction: 'SCMP_ACT_LOG' };
  expect((await compose(withSeccomp(own), last)).linux?.seccomp).toEqual(own);
  for (const said of [withoutSeccomp(), withPrivileged()])
    expect((await compose(said, last)).linux).not.toHaveProperty('seccomp');
});

test('a profile of one’s own is used as it is', async () => {
  const own = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] };
  expect((await compose(withSeccomp(own))).linux?.seccomp).toEqual(own);
  expect(parseSeccomp(JSON.stringify(own))).toEqual(own);
});

test.each([
  ['', 'JSON'],
  ['[]', 'object'],
  ['{}', 'defaultAction'],
  ['{"defaultAction":"NO"}', 'NO'],
  ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}', 'syscalls'],
  ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[],"action":"SCMP_ACT_ERRNO"}]}', 'names'],
  ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"]}]}', 'action'],
  // A runtime passes over what follows, and would allow more than the profile says.
  ['{"defaultAction":"SCMP_ACT_ERRNO","archMap":[]}', 'archMap'],
  [
    '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}}]}',
    'includes',
  ],
])('%s is no profile', (text, named) => {
  expect(() => parseSeccomp(text)).toThrow(
    expect.objectContaining({ kind: 'invalid_argument', message: expect.stringContaining(named) }),
  );
});
