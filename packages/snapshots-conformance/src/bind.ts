import { conformanceKit } from '@stowage/conformance';
import { Fault } from '@stowage/core';
import { cases } from './cases/index.ts';
import type { Capability, CaseContext, OpenSnapshotter, Subject } from './subject.ts';

const kit = conformanceKit<Capability, CaseContext, OpenSnapshotter, Subject>({
  name: 'snapshotter conformance',
  of: 'snapshotters',
  cases,
  context: (snapshotter, reopen, subject) => ({
    snapshotter,
    reopen,
    mount: (mounts, use) => subject.mount?.(mounts, use) ?? Promise.reject(noMounts(subject)),
    remote: subject.remote,
  }),
});

/** Makes a test of every case. A failed one leaves its directory behind and names it. */
export const snapshotterConformance = kit.bind;

/** Runs one case on a fresh subject, in a directory of its own below the system's temporary one. */
export const { runCase } = kit;

/** Runs cases one after the other, without a test runner. */
export const { report } = kit;

function noMounts({ name }: Subject): Fault {
  return new Fault('unimplemented', `subject ${name}: claims mounts but has no function to make them`);
}
