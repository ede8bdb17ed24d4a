import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface LoopDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  /** Unmounts it and mounts it again, as after a reboot. */
  remount(): Promise<void>;
}

/** What each file system needs at least, and how mkfs is told not to ask. */
const KINDS = {
  ext4: { mkfs: ['mkfs.ext4', '-q', '-F'], leastBytes: 64 << 20 },
  xfs: { mkfs: ['mkfs.xfs', '-q', '-f'], leastBytes: 320 << 20 },
  btrfs: { mkfs: ['mkfs.btrfs', '-q', '-f'], leastBytes: 128 << 20 },
} as const;

/**
 * A file system of its own, in a sparse file on a loop device; it goes with the block.
 *
 * @param options - More for mkfs.
 */
export async function loopDisk(kind: keyof typeof KINDS, ...options: readonly string[]): Promise<LoopDisk> {
  const { mkfs, leastBytes } = KINDS[kind];
  const [program, ...quietly] = mkfs;
  const dir = await mkdtemp(join(tmpdir(), `stowage-${kind}-`));
  const image = join(dir, 'image');
  const path = join(dir, 'disk');
  await mkdir(path);
  {
    await using file = await open(image, 'wx');
    await file.truncate(leastBytes);
  }
  await run(program, [...quietly, ...options, image]);
  const mount = () => run('mount', ['-t', kind, '-o', 'loop', image, path]);
  await mount();
  return {
    path,
    async remount() {
      // A worker of another test that began meanwhile has a copy of the mount, and as long as it lives this gives the
      // same file system again, shut down or not.
      for (let tries = 0; ; tries += 1) {
        await run('umount', [path]);
        await mount();
        try {
          await rm(await mkdtemp(join(path, 'probe-')), { recursive: true });
          return;
        } catch (e) {
          if (tries === 100) throw e;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await run('umount', [path]);
      await rm(dir, { recursive: true });
    },
  };
}
