import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import type { Envelope } from '@stowage/events';
import { runtimeConformance } from '@stowage/runtime-conformance';
import { RuncRuntime, type RuncRuntimeOptions } from '../src/index.ts';

const open = async (root: string, more: Partial<RuncRuntimeOptions> = {}) => {
  const envelopes: Envelope[] = [];
  const forward = async (envelope: Envelope) => void envelopes.push(envelope);
  const runtime = await RuncRuntime.open({ state: join(root, 'state'), events: { forward }, ...more });
  return { runtime, envelopes, [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose]() };
};

runtimeConformance(
  {
    name: 'RuncRuntime',
    runtime: 'io.containerd.runc.v2',
    capabilities: new Set(['reopen', 'processes', 'mounts']),
    open: (root) => open(root),
    // Its supervisor outlives it.
    async end(root) {
      await using _ = await open(root, { lifetime: 'owned' });
    },
  },
  { describe, test, skip: test.skip },
);
