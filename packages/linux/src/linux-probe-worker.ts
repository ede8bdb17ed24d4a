import { readdirSync } from 'node:fs';
import type { Mount } from '@stowage/core';
import { enterPrivateRoot } from './confine.ts';
import { mountAll } from './mount.ts';
import { serveCalls } from './serve-calls.ts';

/** What {@link probeMount} asks of its worker, once. */
const operations = {
  probe(mounts: readonly Mount[], target: string): string[] {
    using _ = enterPrivateRoot([target]);
    mountAll(mounts, target);
    return readdirSync(target);
  },
};

export type ProbeOperations = typeof operations;

serveCalls(operations);
