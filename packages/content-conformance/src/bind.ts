import { conformanceKit } from '@stowage/conformance';
import { cases } from './cases/index.ts';
import type { Capability, CaseContext, OpenStore, Subject } from './subject.ts';

const kit = conformanceKit<Capability, CaseContext, OpenStore, Subject>({
  name: 'content conformance',
  of: 'stores',
  cases,
  context: (store, reopen) => ({ store, reopen }),
});

/** Makes a test of every case. A failed one leaves its directory behind and names it. */
export const contentConformance = kit.bind;

/** Runs one case on a fresh subject, in a directory of its own below the system's temporary one. */
export const { runCase } = kit;

/** Runs cases one after the other, without a test runner. */
export const { report } = kit;
