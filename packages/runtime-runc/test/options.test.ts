import { spawnSync } from 'node:child_process';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OptionsSchema } from '@stowage/api/runc/v1';
import { OptionsSchema as GenericOptionsSchema } from '@stowage/api/runtimeoptions/v1';
import { packMessage } from '@stowage/rpc';
import type { Command, CommandRunner } from '../src/supervisor/command.ts';
import { OciRuntime } from '../src/supervisor/oci-runtime.ts';
import { checkSystemdPath, chooseRuntime } from '../src/supervisor/runtime-choice.ts';
import { PeerRuntime } from './fixtures/peer-runtime.ts';
import { census, Workbench } from './fixtures/workbench.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const defaults = { binary: 'runc', root: '/state/runc' };
const refusal = (kind: string, message: RegExp) =>
  expect.objectContaining({ kind, message: expect.stringMatching(message) });

test('options of create and start reach the runtime', async () => {
  const peer = await PeerRuntime.make(bench, 'peer', {});
  const options = packMessage(OptionsSchema, {
    ...{ binaryName: peer.path, root: `${bench.directory}/root`, noPivotRoot: true, noNewKeyring: true },
  });
  const request = await bench.container('o', ['true'], { options });
  await bench.tasks.create(request);
  const [asked = ''] = await peer.asked('create');
  expect(asked).toMatch(
    new RegExp(`^--root ${bench.directory}/root/${bench.namespace} --log \\S+ --log-format json create `),
  );
  expect(asked).toMatch(/ --no-pivot --no-new-keyring o$/);
  await bench.tasks.delete({ id: 'o' });
});

test('a shim_cgroup is not joined, and the log says so', async () => {
  const options = packMessage(OptionsSchema, { shimCgroup: '/shims' });
  await bench.tasks.create(await bench.container('s', ['true'], { options }));
  expect(await bench.supervisorLog()).toMatch(
    /"level":"warn".*shim_cgroup: .*it stays.*"shimCgroup":"\/shims"/,
  );
  await bench.tasks.delete({ id: 's' });
});

test('cgroups by systemd are asked of the runtime where systemd runs, and refused elsewhere', async () => {
  const options = packMessage(OptionsSchema, { systemdCgroup: true });
  expect(() => chooseRuntime('ns', options, defaults, false)).toThrow(
    refusal('failed_precondition', /systemd_cgroup: systemd does not run here/),
  );
  const { choice } = chooseRuntime('ns', options, defaults, true);
  const commands: Command[] = [];
  const runner = { run: async (command: Command) => void commands.push(command) } as unknown as CommandRunner;
  await new OciRuntime({ choice, id: 'c', directory: '/tasks/c', commands: runner }).start();
  expect(commands[0]?.args).toEqual([
    ...['--root', '/state/runc/ns', '--log', '/tasks/c/init.log', '--log-format', 'json', '--systemd-cgroup'],
    ...['start', 'c'],
  ]);
});

test('a cgroup path is one of systemd where systemd makes it', () => {
  expect(() => checkSystemdPath('c', 'system.slice:runc:c')).not.toThrow();
  expect(() => checkSystemdPath('c', ':runc:c')).not.toThrow();
  expect(() => checkSystemdPath('c', undefined)).not.toThrow();
  for (const path of ['/ns/c', 'a:b', 'a:b:', 'a:b:c:d'])
    expect(() => checkSystemdPath('c', path)).toThrow(refusal('invalid_argument', /slice:prefix:name/));
});

test('options of another runtime are refused, also by their bytes', () => {
  const generic = packMessage(GenericOptionsSchema, { typeUrl: 'x', configBody: Buffer.from('a = 1') });
  expect(() => chooseRuntime('ns', generic, defaults, false)).toThrow(
    refusal('invalid_argument', /runtimeoptions.v1.Options.*expected containerd.runc.v1.Options/),
  );
  const value = toBinary(OptionsSchema, create(OptionsSchema, { criuWorkPath: 'work' }));
  const relative = { typeUrl: 'types.googleapis.com/containerd.runc.v1.Options', value };
  expect(() => chooseRuntime('ns', relative, defaults, false)).toThrow(
    refusal('invalid_argument', /criu_work_path "work"/),
  );
});

const crun = spawnSync('crun', ['--version']).status === 0 ? test : test.skip;

crun('what crun says of a create that it refuses reaches the caller, and nothing is left', async () => {
  const before = await census(bench);
  const options = packMessage(OptionsSchema, { binaryName: 'crun' });
  const request = await bench.container('x', ['no-such-program'], { options });
  // Of Debian 12 it refuses where v1 has a v2 hierarchy beside it; anywhere, what there is no program of.
  await expect(bench.tasks.create(request)).rejects.toMatchObject({
    message: expect.stringMatching(/^crun create x: .*(hybrid mode not supported|no-such-program)/),
  });
  expect(await census(bench)).toEqual(before);
});
