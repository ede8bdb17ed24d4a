import { expect, test } from '@jest/globals';
import { must } from '@stowage/testing';
import { defaultSpec, parseSpec, type Spec } from '../src/index.ts';

/** The default spec of Debian's containerd, 1.6. */
async function reference(): Promise<Spec> {
  const value = Buffer.from(await must('ctr', ['oci', 'spec']));
  return parseSpec({ typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value });
}

const ours = defaultSpec({ namespace: 'default', id: 'web' });
const beyond = (mine: readonly string[] = [], theirs: readonly string[] = []) =>
  mine.filter((item) => !theirs.includes(item));

test('no capability more than containerd gives', async () => {
  const theirs = (await reference()).process?.capabilities;
  const mine = ours.process?.capabilities;
  for (const set of ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'] as const)
    expect(beyond(mine?.[set], theirs?.[set])).toEqual([]);
  // Left out since containerd 2.0: nodes, raw packets, file capabilities, chroot and the audit log.
  expect(beyond(theirs?.bounding, mine?.bounding).sort()).toEqual([
    'CAP_AUDIT_WRITE',
    'CAP_MKNOD',
    'CAP_NET_RAW',
    'CAP_SETFCAP',
    'CAP_SYS_CHROOT',
  ]);
});

test('nothing is shown or writable that containerd hides or protects', async () => {
  const { linux } = await reference();
  expect(beyond(linux?.maskedPaths, ours.linux?.maskedPaths)).toEqual([]);
  expect(beyond(linux?.readonlyPaths, ours.linux?.readonlyPaths)).toEqual([]);
  // Later containerd hides the power draw (GHSA-7ww5-4wqc-m92c); interrupts tell what others type and send.
  expect(beyond(ours.linux?.maskedPaths, linux?.maskedPaths).sort()).toEqual(
    beyond(['/proc/interrupts', '/sys/devices/virtual/powercap'], linux?.maskedPaths),
  );
});

test('the rest is the same', async () => {
  const theirs = await reference();
  expect(ours.process?.noNewPrivileges).toBe(theirs.process?.noNewPrivileges);
  expect(ours.process?.rlimits).toEqual(theirs.process?.rlimits);
  expect(ours.mounts).toEqual(theirs.mounts);
  expect(ours.root).toEqual(theirs.root);
  const types = (spec: Spec) => spec.linux?.namespaces?.map((n) => n.type).sort();
  expect(types(ours)).toEqual(types(theirs));
  // The runtime adds the usual few that ours names.
  expect(ours.linux?.resources?.devices?.[0]).toEqual(theirs.linux?.resources?.devices?.[0]);
  expect(ours.linux?.seccomp).toEqual(theirs.linux?.seccomp);
});
