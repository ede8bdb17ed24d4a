import { randomUUID } from 'node:crypto';
import { conformanceKit } from '@stowage/conformance';
import { cases } from './cases/index.ts';
import type { Capability, CaseContext, MetadataServices, Subject } from './subject.ts';

const kit = conformanceKit<Capability, CaseContext, MetadataServices, Subject>({
  name: 'metadata conformance',
  of: 'daemons',
  cases,
  context: (services, reopen) => ({ services, namespace: () => `case-${randomUUID()}`, reopen }),
});

/** Makes a test of every case. A failed one leaves its directory behind and names it. */
export const metadataConformance = kit.bind;

/** Runs one case on a fresh subject, in a directory of its own below the system's temporary one. */
export const { runCase } = kit;
