import { access } from 'node:fs/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from '@jest/globals';
import { BootstrapParamsSchema } from '@stowage/api/runtime/bootstrap/v1';
import { OptionsSchema } from '@stowage/api/runtimeoptions/v1';
import { CreateTaskRequestSchema } from '@stowage/api/task/v3';
import { packMessage } from '@stowage/rpc';
import { RECORDED, recordedBench } from './fixtures/recorded.ts';
import { eventually } from './fixtures/workbench.ts';

// gVisor's, Kata's and wasm shims are in no Debian: what they do is played from a recording.

const options = packMessage(OptionsSchema, { typeUrl: 'io.example.Options', configPath: '/etc/runsc.toml' });
const bytes = (hex = '') => Buffer.from(hex, 'hex');

test('a shim of version 3 that answers in JSON is given the options twice, and its answers arrive', async () => {
  await using peer = await recordedBench();
  const { bench, binary } = peer;
  const { tasks, namespace } = bench;
  const request = await bench.container('c', ['true'], { runtime: binary, options });
  expect(await tasks.create(request)).toEqual({ pid: 4242 });
  const exit = tasks.wait({ id: 'c' });
  expect(await tasks.start({ id: 'c' })).toEqual({ pid: 4242 });
  await tasks.state({ id: 'c' });
  expect(await exit).toEqual({ exitStatus: 6, exitedAt: new Date('2026-01-02T03:04:05.006Z') });
  expect(await tasks.delete({ id: 'c' })).toMatchObject({ pid: 4242, exitStatus: 6 });
  const asked = await peer.asked();
  const [start] = asked;
  const ttrpc = `${bench.state}/s.ttrpc`;
  expect(start).toMatchObject({
    action: 'start',
    cwd: request.bundle,
    args: [
      '-namespace',
      namespace,
      '-address',
      `${bench.state}/s`,
      '-publish-binary',
      '/bin/false',
      '-id',
      'c',
      'start',
    ],
    env: {
      TTRPC_ADDRESS: ttrpc,
      GRPC_ADDRESS: `${bench.state}/s`,
      NAMESPACE: namespace,
      MAX_SHIM_VERSION: '2',
    },
  });
  expect(start?.env).not.toHaveProperty('NODE_OPTIONS');
  const params = fromBinary(BootstrapParamsSchema, bytes(start?.input));
  expect(params).toMatchObject({ instanceId: 'c', namespace, containerdTtrpcAddress: ttrpc });
  expect(params.extensions.map(({ value }) => value)).toMatchObject([options]);
  const created = asked.find(({ call }) => call === 'containerd.task.v3.Task/Create');
  expect(fromBinary(CreateTaskRequestSchema, bytes(created?.payload))).toMatchObject({ id: 'c', options });
  const last = asked.slice(-3).map(({ call, action }) => call ?? action);
  expect(last).toEqual(['containerd.task.v3.Task/Delete', 'containerd.task.v3.Task/Shutdown', 'delete']);
  expect(asked.at(-1)?.args).toEqual(expect.arrayContaining(['-bundle', request.bundle]));
  expect(bench.topicsOf('c')).toEqual(['exit', 'delete']);
});

test('containers whose shims answer the same address are served by one process, until the last is gone', async () => {
  await using peer = await recordedBench();
  const { tasks } = peer.bench;
  for (const id of ['a', 'b'])
    await tasks.create(await peer.bench.container(id, ['true'], { runtime: peer.binary }));
  expect(await peer.bench.shims()).toHaveLength(1);
  await tasks.delete({ id: 'a' });
  expect(await tasks.start({ id: 'b' })).toEqual({ pid: 4242 });
  await tasks.delete({ id: 'b' });
  await expect(access(peer.socket)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(peer.bench.complaints).toEqual([]);
});

test('a shim that announces version 3 and does not know its Create is spoken to in version 2, also later', async () => {
  await using peer = await recordedBench(({ callsOfVersion2 }) => ({ calls: callsOfVersion2 }));
  const { bench } = peer;
  await bench.tasks.create(await bench.container('c', ['true'], { runtime: peer.binary }));
  await bench.runtime[Symbol.asyncDispose]();
  await bench.reopen();
  expect(await bench.tasks.start({ id: 'c' })).toEqual({ pid: 4242 });
  await bench.tasks.delete({ id: 'c' });
  const calls = (await peer.asked()).flatMap(({ call }) => (call?.includes('.v3.') ? [call] : []));
  expect(calls).toEqual(['containerd.task.v3.Task/Connect', 'containerd.task.v3.Task/Create']);
});

test('a shim that knows options alone is asked again with these, and the next time at once', async () => {
  await using peer = await recordedBench(({ start }) => ({ start: { ...start, refuse: 's.ttrpc' } }));
  const { bench } = peer;
  for (const id of ['a', 'b'])
    await bench.tasks.create(await bench.container(id, ['true'], { runtime: peer.binary, options }));
  const inputs = (await peer.asked())
    .filter(({ action }) => action === 'start')
    .map(({ input }) => bytes(input));
  expect(inputs).toHaveLength(3);
  for (const input of inputs.slice(1)) expect(fromBinary(AnySchema, input)).toMatchObject(options);
  for (const id of ['a', 'b']) await bench.tasks.delete({ id });
});

test('a shim says what it is', async () => {
  await using peer = await recordedBench();
  expect(await peer.bench.runtime.info({ runtimeName: peer.binary, options })).toMatchObject({
    name: RECORDED,
    version: 'release-20260101.0',
    revision: 'abc',
    annotations: { 'org.example.kind': 'recorded' },
  });
  const [asked] = await peer.asked();
  expect(fromBinary(AnySchema, bytes(asked?.input))).toMatchObject(options);
});

test('what a shim prints beside its answer is a warning in the log', async () => {
  await using peer = await recordedBench(({ start }) => ({ start: { ...start, stderr: 'deprecated: x\n' } }));
  await peer.bench.tasks.create(await peer.bench.container('c', ['true'], { runtime: peer.binary }));
  expect(peer.bench.complaints).toMatchObject([
    { msg: 'a shim printed more than its answer', noise: 'deprecated: x' },
  ]);
  await peer.bench.tasks.delete({ id: 'c' });
});

test.each([
  ['noise before it', { text: 'hello\nunix://SOCKET' }, 'unknown', /it printed "hello\\nunix:/],
  ['nothing, and a failure', { stderr: 'no kvm\n', exit: 3 }, 'unknown', /ended with 3; it printed "no kvm"/],
  [
    'version 4',
    { text: '{"version":4,"address":"unix://SOCKET","protocol":"ttrpc"}' },
    'unimplemented',
    /version 4/,
  ],
  [
    'an address where nobody is',
    { text: 'unix:///no/such/sock' },
    'unavailable',
    /\/no\/such\/sock: there is no such socket/,
  ],
  [
    'no end',
    { text: 'starting', forever: true },
    'deadline_exceeded',
    /within 2000 ms; it printed "starting"/,
  ],
  ['too much', { text: 'x'.repeat(70_000) }, 'resource_exhausted', /more than 65536 bytes/],
] as const)(
  'a start that is answered with %s fails and says so, and the binary is told to clean up',
  async (_, start, kind, message) => {
    await using peer = await recordedBench(() => ({ start }));
    const { bench } = peer;
    const request = await bench.container('c', ['true'], { runtime: peer.binary });
    await expect(bench.tasks.create(request)).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(message),
    });
    expect((await peer.asked()).at(-1)).toMatchObject({ action: 'delete' });
    await expect(bench.tasks.state({ id: 'c' })).rejects.toMatchObject({ kind: 'not_found' });
    expect(bench.topicsOf('c')).toEqual([]);
    for (const pid of await bench.shims()) process.kill(pid, 'SIGKILL');
  },
);

test.each([
  ['says how', {}, 137],
  ['says nonsense', { delete: { text: 'nonsense' } }, 255],
  ['fails', { delete: { stderr: 'broken', exit: 1 } }, 255],
] as const)(
  'the exit of a container whose shim was killed, where its binary %s',
  async (_, change, exitStatus) => {
    await using peer = await recordedBench(() => change);
    const { bench } = peer;
    await bench.tasks.create(await bench.container('c', ['true'], { runtime: peer.binary }));
    const exit = bench.tasks.wait({ id: 'c' });
    const [shim = 0] = await bench.shims();
    process.kill(shim, 'SIGKILL');
    expect(await exit).toMatchObject({ exitStatus });
    await eventually(() => bench.topicsOf('c').at(-1) === 'delete');
    expect(bench.topicsOf('c')).toEqual(['exit', 'delete']);
    expect(bench.eventOf('c', '/tasks/delete')).toMatchObject({ pid: 4242, exitStatus });
  },
);
