import { expect, test } from '@jest/globals';
import {
  composeSpec,
  parseRlimit,
  type SpecOption,
  withAdditionalGroups,
  withAmbientCapabilities,
  withApparmor,
  withArgs,
  withBlockIo,
  withCgroupPath,
  withCpuLimits,
  withCpus,
  withDomainname,
  withHooks,
  withHostNamespace,
  withHostNetwork,
  withHostname,
  withHugepageLimits,
  withMaskedPaths,
  withMemoryLimits,
  withNamespace,
  withNewPrivileges,
  withNoNewPrivileges,
  withOomScoreAdj,
  withoutMount,
  withParentCgroup,
  withReadonlyPaths,
  withRlimits,
  withRootfsPropagation,
  withSelinuxLabel,
  withShmSize,
  withSysctls,
  withTmpfs,
  withUnified,
  withUser,
} from '../src/index.ts';

const compose = (...options: SpecOption[]) =>
  composeSpec({ namespace: 'default', id: 'web' }, withArgs('sh'), ...options);

test('limits stand where a runtime reads them, and leave each other alone', async () => {
  const { linux } = await compose(
    withCpus(1.5),
    withCpuLimits({ shares: 512, cpus: '0-1,3', mems: '0' }),
    withCpuLimits({ realtimeRuntimeMicros: 1000, realtimePeriodMicros: 10_000 }),
    withMemoryLimits({ limitBytes: 64e6, reservationBytes: 32e6 }),
    withMemoryLimits({ swapBytes: -1, swappiness: 0, disableOomKiller: true }),
    withHugepageLimits([{ pageSize: '2MB', limit: 4e6 }]),
    withUnified({ 'memory.high': '50000000' }),
    withUnified({ 'io.weight': 'default 50' }),
  );
  expect(linux?.resources).toMatchObject({
    cpu: {
      quota: 150_000,
      period: 100_000,
      shares: 512,
      cpus: '0-1,3',
      mems: '0',
      realtimeRuntime: 1000,
      realtimePeriod: 10_000,
    },
    memory: { limit: 64e6, reservation: 32e6, swap: -1, swappiness: 0, disableOOMKiller: true },
    hugepageLimits: [{ pageSize: '2MB', limit: 4e6 }],
    unified: { 'memory.high': '50000000', 'io.weight': 'default 50' },
  });
  expect(linux?.resources?.devices?.[0]).toEqual({ allow: false, access: 'rwm' });
});

test('block I/O is limited by device number', async () => {
  const disk = { type: 'b', major: 8, minor: 16, mode: 0o660, uid: 0, gid: 6 } as const;
  const lookup = {
    find: async (path: string) =>
      path === '/dev/sdb' ? disk : path === '/dev/null' ? ({ ...disk, type: 'c' } as const) : undefined,
    list: async () => [],
  };
  const { linux } = await compose(
    withBlockIo(
      {
        weight: 200,
        deviceWeights: [{ path: '/dev/sdb', weight: 300 }],
        readBytesPerSecond: [{ path: '/dev/sdb', rate: 1e6 }],
        writesPerSecond: [{ path: '/dev/sdb', rate: 50 }],
      },
      lookup,
    ),
  );
  expect(linux?.resources?.blockIO).toEqual({
    weight: 200,
    weightDevice: [{ major: 8, minor: 16, weight: 300 }],
    throttleReadBpsDevice: [{ major: 8, minor: 16, rate: 1e6 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 50 }],
  });
  const of = (path: string) => compose(withBlockIo({ readsPerSecond: [{ path, rate: 1 }] }, lookup));
  await expect(of('/dev/sdc')).rejects.toMatchObject({ kind: 'not_found' });
  await expect(of('/dev/null')).rejects.toMatchObject({ kind: 'invalid_argument' });
});

test('process limits, score, domain, hooks, paths', async () => {
  const spec = await compose(
    withRlimits([parseRlimit('nofile=100:200'), parseRlimit('core=0'), parseRlimit('MEMLOCK=unlimited')]),
    withOomScoreAdj(-500),
    withDomainname('example'),
    withHooks({ poststop: [{ path: '/a' }] }),
    withHooks({ poststop: [{ path: '/b', timeout: 3 }], createRuntime: [{ path: '/c' }] }),
    withMaskedPaths(['/proc/x']),
    withReadonlyPaths([]),
    withRootfsPropagation('rslave'),
    withCgroupPath('/a/web'),
    withParentCgroup('/b/'),
    withNewPrivileges(),
    withNoNewPrivileges(),
  );
  expect(spec.process?.rlimits?.map((l) => [l.type, l.soft, l.hard])).toEqual([
    ['RLIMIT_NOFILE', 100, 200],
    ['RLIMIT_CORE', 0, 0],
    ['RLIMIT_MEMLOCK', 2 ** 64 - 2048, 2 ** 64 - 2048],
  ]);
  // A runtime reads 64 bits and no more.
  expect(BigInt(JSON.stringify(spec.process?.rlimits?.at(-1)?.hard)) < 2n ** 64n).toBe(true);
  expect(spec.process).toMatchObject({ oomScoreAdj: -500, noNewPrivileges: true });
  expect(spec.domainname).toBe('example');
  expect(spec.hooks).toEqual({
    createRuntime: [{ path: '/c' }],
    poststop: [{ path: '/a' }, { path: '/b', timeout: 3 }],
  });
  expect(spec.linux).toMatchObject({
    maskedPaths: ['/proc/x'],
    readonlyPaths: [],
    rootfsPropagation: 'rslave',
    cgroupsPath: '/b/web',
  });
});

test('ambient capabilities only for who asks', async () => {
  const { process } = await compose(withAmbientCapabilities(['net_raw']));
  expect(process?.capabilities).toMatchObject({ ambient: ['CAP_NET_RAW'], inheritable: ['CAP_NET_RAW'] });
  expect(process?.capabilities?.bounding).toContain('CAP_NET_RAW');
  expect((await compose()).process?.capabilities).not.toHaveProperty('ambient');
});

test('AppArmor is never left out silently', async () => {
  const there = async () => true;
  const absent = async () => false;
  expect((await compose(withApparmor('mine', there))).process?.apparmorProfile).toBe('mine');
  await expect(compose(withApparmor('mine', absent))).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('mine'),
  });
  const free = await compose(withApparmor('mine', there), withApparmor('unconfined', absent));
  expect(free.process?.apparmorProfile).toBeUndefined();
});

test('memory file systems', async () => {
  const { mounts } = await compose(withTmpfs('/tmp:size=1m'), withShmSize(1e6), withoutMount('/dev/mqueue'));
  expect(mounts?.at(-1)).toEqual({
    destination: '/tmp',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', 'noexec', 'size=1m'],
  });
  const shm = mounts?.find((m) => m.destination === '/dev/shm');
  expect(shm?.options).toEqual(['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=1000000']);
  expect(mounts?.some((m) => m.destination === '/dev/mqueue')).toBe(false);
  await expect(compose(withoutMount('/dev/shm'), withShmSize(1))).rejects.toMatchObject({
    kind: 'failed_precondition',
  });
});

test('kernel parameters are the container’s own, whatever the order of options', async () => {
  const values = { 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '1', 'fs.mqueue.msg_max': '5' };
  expect((await compose(withSysctls(values))).linux?.sysctl).toEqual(values);
  for (const [name, share] of [
    ['net.core.somaxconn', withHostNetwork()],
    ['kernel.sem', withHostNamespace('ipc')],
    ['kernel.domainname', withHostNamespace('uts')],
  ] as const) {
    for (const options of [
      [withSysctls({ [name]: '1' }), share],
      [share, withSysctls({ [name]: '1' })],
    ])
      await expect(compose(...options)).rejects.toMatchObject({
        kind: 'invalid_argument',
        message: expect.stringContaining(name),
      });
  }
  // A namespace that is joined is none of the host's.
  await compose(withNamespace('network', '/run/netns/a'), withSysctls({ 'net.core.somaxconn': '1' }));
});

test('the host’s name is not changed', async () => {
  await expect(compose(withHostNamespace('uts'), withHostname('x'))).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

test.each([
  () => withCpuLimits({ shares: 1 }),
  () => withCpuLimits({ shares: 262_145 }),
  () => withCpuLimits({ quotaMicros: 999 }),
  () => withCpuLimits({ quotaMicros: 0 }),
  () => withCpuLimits({ periodMicros: 1_000_001 }),
  () => withCpuLimits({ realtimeRuntimeMicros: 2, realtimePeriodMicros: 1 }),
  () => withCpuLimits({ cpus: '' }),
  () => withCpuLimits({ cpus: '3-1' }),
  () => withCpuLimits({ cpus: '0;1' }),
  () => withCpuLimits({ mems: '0,' }),
  () => withMemoryLimits({ limitBytes: 0 }),
  () => withMemoryLimits({ limitBytes: 10, swapBytes: 9 }),
  () => withMemoryLimits({ swapBytes: 9 }),
  () => withMemoryLimits({ limitBytes: 10, reservationBytes: 11 }),
  () => withMemoryLimits({ swappiness: 101 }),
  () => withHugepageLimits([{ pageSize: '2M', limit: 1 }]),
  () => withHugepageLimits([{ pageSize: '2MB', limit: -1 }]),
  () => withUnified({ '../memory.max': '1' }),
  () => withUnified({ memory: '1' }),
  () => withBlockIo({ weight: 9 }),
  () => withBlockIo({ readsPerSecond: [{ path: '/dev/sda', rate: 0 }] }),
  () => parseRlimit('nofile'),
  () => parseRlimit('nofile=2:1'),
  () => parseRlimit('nofile=unlimited:1'),
  () => parseRlimit('nofiles=1'),
  () => parseRlimit('nofile=-2'),
  () => parseRlimit('nofile=1e3'),
  () => withRlimits([{ type: 'NOFILE', soft: 1, hard: 1 }]),
  () => withOomScoreAdj(1001),
  () => withOomScoreAdj(Number.NaN),
  () => withSysctls({ 'kernel.core_pattern': '|/bin/sh' }),
  () => withSysctls({ 'kernel.hostname': 'x' }),
  () => withSysctls({ 'vm.overcommit_memory': '1' }),
  () => withSysctls({ 'net.ipv4/../../kernel/core_pattern': 'x' }),
  () => withSysctls({ 'net.': '1' }),
  () => withSysctls({ 'net.ipv4.ip_forward': '1\n2' }),
  () => withCgroupPath('relative'),
  () => withCgroupPath('/a/../../b'),
  () => withParentCgroup('a.slice:b:c'),
  () => withHooks({ poststop: [{ path: 'relative' }] }),
  () => withHooks({ poststop: [{ path: '/a', timeout: 0 }] }),
  () => withHooks({ never: [{ path: '/a' }] } as never),
  () => withMaskedPaths(['proc']),
  () => withReadonlyPaths(['/a/../b']),
  () => withRootfsPropagation('rsometimes'),
  () => withShmSize(0),
  () => withApparmor(''),
  () => withApparmor('a b'),
  () => withAmbientCapabilities(['everything']),
])('%s is refused when the option is made', (make) => {
  expect(make).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test('groups are added to those that the user has, once each', async () => {
  const { process } = await compose(withUser('1000:100'), withAdditionalGroups([44, 100, 44]));
  expect(process?.user).toMatchObject({ uid: 1000, gid: 100, additionalGids: [100, 44] });
  for (const id of [-1, 0.5, 2 ** 31])
    expect(() => withAdditionalGroups([id])).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test('labels of SELinux are of the process and of mounts', async () => {
  const { process, linux } = await compose(withSelinuxLabel('u:r:t:s0', 'u:o:t:s0'));
  expect([process?.selinuxLabel, linux?.mountLabel]).toEqual(['u:r:t:s0', 'u:o:t:s0']);
  expect((await compose(withSelinuxLabel('u:r:t:s0'))).linux?.mountLabel).toBeUndefined();
});
