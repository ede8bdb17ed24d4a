import { describe, test } from '@jest/globals';
import type { Envelope } from '@stowage/events';
import { runtimeConformance } from '@stowage/runtime-conformance';
import { FakeRuntime } from '../src/index.ts';
import { sh } from './scripts.ts';

runtimeConformance(
  {
    name: 'FakeRuntime',
    runtime: 'io.containerd.runc.v2',
    // It runs no processes and mounts nothing, and all is gone with it.
    capabilities: new Set(),
    async open() {
      const envelopes: Envelope[] = [];
      const forward = async (envelope: Envelope) => void envelopes.push(envelope);
      const runtime = new FakeRuntime({ programs: { sh }, events: { forward } });
      return { runtime, envelopes, [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose]() };
    },
  },
  { describe, test, skip: test.skip },
);
