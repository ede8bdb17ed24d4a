import { readdirSync, statSync } from 'node:fs';
import type { Mount } from '@stowage/core';
import { enterPrivateRoot } from './confine.ts';
import { mountAll } from './mount.ts';
import { serveCalls } from './serve-calls.ts';

/** What there is to see with the mounts in place. */
export interface ProbedMount {
  readonly names: readonly string[];
  /** Owner of the top. */
  readonly uid: number;
  readonly gid: number;
}

/** What {@link probeMount} asks of its worker, once. */
const operations = {
  probe(mounts: readonly Mount[], target: string): ProbedMount {
    using _ = enterPrivateRoot([target]);
    mountAll(mounts, target);
    const { uid, gid } = statSync(target);
    return { names: readdirSync(target), uid, gid };
  },
};

export type ProbeOperations = typeof operations;

serveCalls(operations);
