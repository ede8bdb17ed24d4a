import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { must, run, until } from '@stowage/testing';

export interface LoopDiskOptions {
  /** Holds the image; the file system is mounted at `root` in it. */
  readonly dir: string;
  readonly sizeBytes: number;
  /** For mkfs.ext4. */
  readonly format?: readonly string[];
}

/** An ext4 file system in a file, mounted on a loop device that goes when it is unmounted. */
export class LoopDisk implements AsyncDisposable {
  readonly path: string;
  readonly #image: string;
  #isMounted = false;

  private constructor(dir: string) {
    this.path = join(dir, 'root');
    this.#image = join(dir, 'disk.img');
  }

  static async make({ dir, sizeBytes, format = [] }: LoopDiskOptions): Promise<LoopDisk> {
    const disk = new LoopDisk(dir);
    await using file = await open(disk.#image, 'wx');
    await file.truncate(sizeBytes);
    await must('mkfs.ext4', ['-q', '-F', ...format, disk.#image]);
    await mkdir(disk.path);
    return disk;
  }

  async mount(options: readonly string[] = []): Promise<void> {
    await must('mount', ['-t', 'ext4', '-o', ['loop', ...options].join(','), this.#image, this.path]);
    this.#isMounted = true;
  }

  /** Waits for those who still use it to be gone. */
  async unmount(): Promise<void> {
    if (!this.#isMounted) return;
    await until(`${this.path} to be unmounted`, async () => (await run('umount', [this.path])).code === 0);
    this.#isMounted = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.unmount();
    } catch (e) {
      await run('umount', ['--lazy', this.path]);
      throw e;
    }
  }
}

/** Why there can be none; undefined if there can. */
export async function loopDiskMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root, to mount';
  const mkfs = await run('mkfs.ext4', ['-V']).catch(() => undefined);
  if (mkfs?.code !== 0) return 'no mkfs.ext4: install e2fsprogs';
  const free = await run('losetup', ['--find']).catch(() => undefined);
  return free?.code === 0 ? undefined : `no loop device: ${free?.stderr.trim() ?? 'no losetup'}`;
}
