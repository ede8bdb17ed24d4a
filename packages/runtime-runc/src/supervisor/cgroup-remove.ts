import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '@stowage/core';
import type { CgroupLayout } from '@stowage/linux/cgroup';

const ATTEMPTS = 10;
const PAUSE_MS = 50;

/**
 * Removes a cgroup from all hierarchies if nobody is in it. The processes of a runtime that was killed end by
 * themselves, a moment later.
 */
export async function removeCgroup({ v1, v2 }: CgroupLayout, path: string | undefined): Promise<void> {
  if (path === undefined || join('/', path) === '/') return;
  const roots = new Set([...v1.values(), ...(v2 === undefined ? [] : [v2])].map((one) => one.mountPoint));
  await Promise.all([...roots].map((root) => removeWhenEmpty(join(root, join('/', path)))));
}

async function removeWhenEmpty(directory: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      await rmdir(directory);
      return;
    } catch (e) {
      if (errnoOf(e) !== 'EBUSY') return;
    }
    await delay(PAUSE_MS);
  }
}
