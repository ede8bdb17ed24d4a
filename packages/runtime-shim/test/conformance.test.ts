import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import type { Envelope } from '@stowage/events';
import { runtimeConformance } from '@stowage/runtime-conformance';
import { ShimRuntime } from '../src/index.ts';

runtimeConformance(
  {
    name: 'containerd-shim-runc-v2',
    runtime: 'io.containerd.runc.v2',
    capabilities: new Set(['reopen', 'processes', 'mounts']),
    async open(root) {
      const envelopes: Envelope[] = [];
      const forward = async (envelope: Envelope) => void envelopes.push(envelope);
      const runtime = await ShimRuntime.open({ state: join(root, 'state'), events: { forward } });
      return { runtime, envelopes, [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose]() };
    },
  },
  { describe, test, skip: test.skip },
);
