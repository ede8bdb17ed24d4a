import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Mounter } from '@stowage/linux/mounter';
import { type Capability, type Subject, snapshotterConformance } from '@stowage/snapshots-conformance';
import { connectSocket, daemonSubject } from '@stowage/snapshots-conformance/daemon';
import { mustCtr, type Program, run, startContainerd } from '@stowage/testing';
import { CONTAINERD_DIFFERS, kitWithDifferences } from '../kit-with-differences.ts';
import { withDaemon } from '../suite.ts';

const COMMAND = join(
  import.meta.dirname,
  '../../../packages/snapshots-conformance/bin/snapshots-conformance.mjs',
);
const runner = { describe, test, skip: test.skip };

let containerd: (Program & { readonly address: string }) | undefined;
const mounter = new Mounter();
const mount: Subject['mount'] = mounter.withMount.bind(mounter);
// Before the census, so before it is set up.
afterAll(async () => {
  await containerd?.[Symbol.asyncDispose]();
  await mounter[Symbol.asyncDispose]();
});

const suite = withDaemon('snapshots-conformance');
beforeAll(async () => {
  containerd = await startContainerd(join(suite.dir, 'containerd'));
}, 30_000);

const CLAIMS: Readonly<Record<'overlayfs' | 'native', ReadonlySet<Capability>>> = {
  overlayfs: new Set(['mounts', 'reopen', 'targets', 'own-usage', 'rebase']),
  native: new Set(['mounts', 'reopen', 'targets']),
};

for (const [snapshotter, capabilities] of Object.entries(CLAIMS)) {
  snapshotterConformance(
    daemonSubject({
      name: `${snapshotter} at the daemon’s socket`,
      capabilities,
      connect: () => connectSocket(suite.daemon.address, snapshotter),
      mount,
    }),
    // 128 layers take their time on a busy machine.
    { ...runner, test: (id, body) => test(id, body, 120_000) },
  );
}

/** Cases that containerd's own fail. */
const DIFFERS: Readonly<Record<'overlayfs' | 'native', ReadonlyMap<string, RegExp>>> = {
  overlayfs: new Map(CONTAINERD_DIFFERS),
  native: new Map([
    ...CONTAINERD_DIFFERS,
    // It measures before it looks whether there is something to commit.
    ['commit/of-a-view-is-failed-precondition', /got unknown: lstat/],
    ['lifecycle/commit-at-every-point', /view: expected failed_precondition, got unknown/],
  ]),
};

describe.each(['overlayfs', 'native'] as const)(
  'containerd’s %s passes the same cases, but for those that are known to differ',
  (snapshotter) => {
    const subject = daemonSubject({
      name: snapshotter,
      capabilities: new Set([...CLAIMS[snapshotter]].filter((one) => one !== 'rebase')),
      connect: () => connectSocket(containerd?.address ?? '', snapshotter),
      mount,
    });
    kitWithDifferences(subject, DIFFERS[snapshotter]);
  },
);

test('the command does the same, and leaves nothing', async () => {
  const { address } = suite.daemon;
  const args = ['--snapshotter', 'overlayfs', '--with', 'rebase', '--only', 'commit/'];
  const ours = await run(COMMAND, [`unix://${address}`, '--namespace', 'kit', ...args]);
  expect(ours).toMatchObject({ code: 0, stderr: '' });
  expect(ours.stdout).toMatch(/\n[1-9]\d* passed, 0 failed, 0 differs, 1 skipped\n$/);
  expect(await mustCtr(address, ['namespaces', 'ls', '-q'])).toBe('');

  const keys = [containerd?.address ?? '', '--snapshotter', 'native', '--only', 'keys/'];
  expect(await run(COMMAND, keys)).toMatchObject({ code: 1 });
  expect(await run(COMMAND, [...keys, '--differs', 'keys/must-not-be-empty'])).toMatchObject({ code: 0 });
  expect(await mustCtr(containerd?.address ?? '', ['namespaces', 'ls', '-q'])).toBe('');
}, 60_000);
