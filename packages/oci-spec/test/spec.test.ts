import { expect, test } from '@jest/globals';
import { TYPE_URL } from '@stowage/core';
import {
  composeSpec,
  DEFAULT_CAPABILITIES,
  defaultSpec,
  hostCapabilities,
  parseSpec,
  processBytes,
  resourcesBytes,
  type SpecOption,
  specBytes,
  withAnnotations,
  withArgs,
  withCapabilities,
  withCgroupMount,
  withCpus,
  withCwd,
  withEnv,
  withHostNetwork,
  withHostname,
  withImageConfig,
  withMemory,
  withMounts,
  withNamespace,
  withPidsLimit,
  withPrivileged,
  withRootfsReadonly,
  withTty,
} from '../src/index.ts';

const compose = (...options: SpecOption[]) =>
  composeSpec({ namespace: 'default', id: 'web' }, withArgs('sh'), ...options);

test('the default spec is containerd v2 default or stricter', () => {
  const { process, linux, mounts, root } = defaultSpec({ namespace: 'default', id: 'web' });
  const capabilities = [
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
    'CAP_FSETID',
    'CAP_FOWNER',
    'CAP_SETGID',
    'CAP_SETUID',
    'CAP_SETPCAP',
    'CAP_NET_BIND_SERVICE',
    'CAP_KILL',
  ];
  expect(process?.capabilities).toEqual({
    bounding: capabilities,
    effective: capabilities,
    permitted: capabilities,
  });
  expect(process).toMatchObject({
    cwd: '/',
    noNewPrivileges: true,
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    user: { uid: 0, gid: 0, additionalGids: [0] },
  });
  expect(root).toEqual({ path: 'rootfs' });
  expect(linux?.cgroupsPath).toBe('/default/web');
  expect(linux?.namespaces?.map((n) => n.type)).toEqual(['pid', 'ipc', 'uts', 'mount', 'network']);
  expect([...(linux?.maskedPaths ?? [])].sort()).toEqual([
    '/proc/acpi',
    '/proc/asound',
    '/proc/interrupts',
    '/proc/kcore',
    '/proc/keys',
    '/proc/latency_stats',
    '/proc/sched_debug',
    '/proc/scsi',
    '/proc/timer_list',
    '/proc/timer_stats',
    '/sys/devices/virtual/powercap',
    '/sys/firmware',
  ]);
  expect(linux?.readonlyPaths).toEqual([
    '/proc/bus',
    '/proc/fs',
    '/proc/irq',
    '/proc/sys',
    '/proc/sysrq-trigger',
  ]);
  expect(mounts?.map((m) => `${m.destination} ${m.type} ${m.options?.join()}`)).toEqual([
    '/proc proc nosuid,noexec,nodev',
    '/dev tmpfs nosuid,strictatime,mode=755,size=65536k',
    '/dev/pts devpts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5',
    '/dev/shm tmpfs nosuid,noexec,nodev,mode=1777,size=65536k',
    '/dev/mqueue mqueue nosuid,noexec,nodev',
    '/sys sysfs nosuid,noexec,nodev,ro',
    '/run tmpfs nosuid,strictatime,mode=755,size=65536k',
  ]);
  const [first, ...allowed] = linux?.resources?.devices ?? [];
  expect(first).toEqual({ allow: false, access: 'rwm' });
  expect(allowed.map((d) => `${d.allow} ${d.type} ${d.major}:${d.minor ?? '*'}`)).toEqual([
    'true c 1:3',
    'true c 1:8',
    'true c 1:7',
    'true c 5:0',
    'true c 1:5',
    'true c 1:9',
    'true c 5:1',
    'true c 136:*',
    'true c 5:2',
  ]);
});

test.each(['', '../x', 'a/b', 'a\0', `${'x'.repeat(77)}`])('%j names no cgroup', (id) => {
  expect(() => defaultSpec({ namespace: 'default', id })).toThrow(
    expect.objectContaining({ kind: 'invalid_argument' }),
  );
});

test('a spec without a program is refused when composed', async () => {
  await expect(composeSpec({ namespace: 'default', id: 'web' })).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringContaining('web'),
  });
});

test('an image config sets arguments, variables, directory and user, and is left as it was', async () => {
  const config = {
    user: '1000:1000',
    env: ['PATH=/image', 'A=image', 'B=image'],
    entrypoint: ['/entry'],
    cmd: ['from', 'image'],
    workingDir: '/work',
  };
  const before = structuredClone(config);
  const one = await compose(withEnv(['A=set']), withImageConfig(config));
  expect(one.process).toMatchObject({
    args: ['/entry', 'from', 'image'],
    cwd: '/work',
    env: ['PATH=/image', 'A=set', 'B=image'],
    user: { uid: 1000, gid: 1000, additionalGids: [1000] },
  });
  const two = await compose(withImageConfig(config, { args: ['mine'] }), withEnv(['B', 'C=3']));
  expect(two.process?.args).toEqual(['/entry', 'mine']);
  expect(two.process?.env).toEqual(['PATH=/image', 'A=image', 'C=3']);
  expect(config).toEqual(before);
});

test('an image config without variables, directory and user leaves the defaults', async () => {
  const { process } = await compose(withImageConfig({ cmd: ['sh'] }));
  expect(process).toMatchObject({ cwd: '/', user: { uid: 0, gid: 0 }, args: ['sh'] });
  expect(process?.env).toEqual(['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']);
});

test('a relative working directory of an image counts from the root', async () => {
  const { process } = await compose(withImageConfig({ cmd: ['sh'], workingDir: 'srv/app' }));
  expect(process?.cwd).toBe('/srv/app');
});

test('concurrent specs of one image share nothing that changes', async () => {
  const config = { env: ['A=1'], cmd: ['sh'] };
  const [one, two] = await Promise.all([
    compose(withImageConfig(config), withEnv(['SECRET=one'])),
    compose(withImageConfig(config), withEnv(['OTHER=two'])),
  ]);
  expect(one.process?.env.join()).not.toContain('OTHER');
  expect(two.process?.env.join()).not.toContain('SECRET');
  expect(defaultSpec({ namespace: 'n', id: 'c' }).process?.env).toHaveLength(1);
});

test('the network of the host brings its names, read-only', async () => {
  const { linux, mounts } = await compose(withHostNetwork());
  expect(linux?.namespaces?.map((n) => n.type)).toEqual(['pid', 'ipc', 'uts', 'mount']);
  expect(mounts?.slice(-2)).toEqual([
    { destination: '/etc/hosts', type: 'bind', source: '/etc/hosts', options: ['rbind', 'ro'] },
    { destination: '/etc/resolv.conf', type: 'bind', source: '/etc/resolv.conf', options: ['rbind', 'ro'] },
  ]);
});

test('namespaces are replaced by type', async () => {
  const { linux } = await compose(withNamespace('network', '/run/netns/a'), withNamespace('cgroup'));
  expect(linux?.namespaces?.filter((n) => n.type === 'network')).toEqual([
    { type: 'network', path: '/run/netns/a' },
  ]);
  expect(linux?.namespaces?.at(-1)).toEqual({ type: 'cgroup' });
});

test('terminal, hostname, read-only root, limits, annotations, mounts', async () => {
  const spec = await compose(
    withEnv(['TERM=dumb']),
    withTty({ width: 80, height: 25 }),
    withHostname('box'),
    withRootfsReadonly(),
    withMemory(64 * 1024 * 1024, -1),
    withCpus(0.5),
    withPidsLimit(10),
    withAnnotations({ a: '1', __proto__: 'no', constructor: 'kept' } as never),
    withCgroupMount(),
    withCwd('/srv'),
  );
  expect(spec.process).toMatchObject({
    terminal: true,
    consoleSize: { width: 80, height: 25 },
    cwd: '/srv',
  });
  expect(spec.process?.env).toContain('TERM=dumb');
  expect(spec.hostname).toBe('box');
  expect(spec.root?.readonly).toBe(true);
  expect(spec.linux?.resources).toMatchObject({
    memory: { limit: 67108864, swap: -1 },
    cpu: { quota: 50_000, period: 100_000 },
    pids: { limit: 10 },
  });
  expect(spec.annotations).toEqual(expect.objectContaining({ a: '1', constructor: 'kept' }));
  expect(spec.mounts?.at(-1)).toMatchObject({
    destination: '/sys/fs/cgroup',
    options: expect.arrayContaining(['ro']),
  });
});

test('an annotation named __proto__ is one like any other', async () => {
  const hostile = JSON.parse('{"__proto__":"x"}');
  const { annotations } = await compose(withAnnotations(hostile), withAnnotations({ b: '2' }));
  expect(JSON.stringify(annotations)).toBe('{"__proto__":"x","b":"2"}');
});

test.each([
  () => withCwd('relative'),
  () => withCwd('/a\0'),
  () => withArgs('a\0b'),
  () => withMounts([{ destination: 'relative' }]),
  () => withMemory(0.5),
  () => withMemory(-1),
  () => withMemory(Number.NaN),
  () => withCpus(0),
  () => withCpus(0.001),
  () => withCpus(Number.POSITIVE_INFINITY),
  () => withPidsLimit(0),
  () => withCapabilities({ add: ['CAP_ALMIGHTY'] }),
  () => withCapabilities({ drop: ['__proto__'] }),
])('%s is refused when the option is made', (make) => {
  expect(make).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test.each(['=x', 'A=\0'])('variable %j is refused', async (entry) => {
  await expect(compose(withEnv([entry]))).rejects.toMatchObject({ kind: 'invalid_argument' });
});

test('capabilities are dropped, then added, and never inheritable', async () => {
  const { process } = await compose(withCapabilities({ drop: ['all'], add: ['chown', 'CAP_NET_ADMIN'] }));
  const left = ['CAP_CHOWN', 'CAP_NET_ADMIN'];
  expect(process?.capabilities).toEqual({ bounding: left, effective: left, permitted: left });
  const fewer = await compose(withCapabilities({ drop: ['CAP_KILL'] }));
  expect(fewer.process?.capabilities?.bounding).toEqual(DEFAULT_CAPABILITIES.filter((c) => c !== 'CAP_KILL'));
});

test('privileged holds nothing back, but sets nothing inheritable', async () => {
  const { process, linux, mounts } = await compose(withCgroupMount(), withPrivileged());
  expect(process?.capabilities?.bounding).toEqual(await hostCapabilities());
  expect(process?.capabilities?.bounding.length).toBeGreaterThan(9);
  expect(process?.capabilities).not.toHaveProperty('inheritable');
  expect(process?.capabilities).not.toHaveProperty('ambient');
  expect(linux).toMatchObject({
    maskedPaths: [],
    readonlyPaths: [],
    resources: { devices: [{ allow: true, access: 'rwm' }] },
  });
  for (const m of mounts ?? []) {
    if (m.type === 'sysfs' || m.type === 'cgroup') expect(m.options).toContain('rw');
  }
  expect(defaultSpec({ namespace: 'n', id: 'c' }).mounts?.find((m) => m.type === 'sysfs')?.options).toContain(
    'ro',
  );
});

test('specs, processes and resources travel under their JSON types', async () => {
  const spec = await compose();
  const bytes = specBytes(spec);
  expect(bytes.typeUrl).toBe(TYPE_URL.spec);
  expect(parseSpec(bytes)).toEqual(spec);
  if (spec.process === undefined) throw new Error('no process');
  expect(processBytes(spec.process).typeUrl).toBe(TYPE_URL.process);
  expect(resourcesBytes({ pids: { limit: 1 } }).typeUrl).toBe(TYPE_URL.linuxResources);
});

test.each([
  { typeUrl: 'containerd.runc.v1.Options', value: Buffer.from('{}') },
  { typeUrl: TYPE_URL.spec, value: Buffer.from('[]') },
  { typeUrl: TYPE_URL.spec, value: Buffer.from('null') },
  { typeUrl: TYPE_URL.spec, value: Buffer.from('{') },
  { typeUrl: TYPE_URL.spec, value: Buffer.from([0x22, 0xff, 0x22]) },
  { typeUrl: TYPE_URL.spec, value: Buffer.alloc(16 * 1024 * 1024 + 1, 0x20) },
])('what is no spec is refused', (bytes) => {
  expect(() => parseSpec(bytes)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});
