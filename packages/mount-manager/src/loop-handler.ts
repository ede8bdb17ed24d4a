import { createHash } from 'node:crypto';
import { Mounter } from '@stowage/linux/mounter';
import type { MountHandler } from '@stowage/mounts';
import { refused } from './refused.ts';

/**
 * Attaches files to loop devices: type `loop`, options `ro` and `direct-io`, others mean nothing to it. The mount point is a
 * symbolic link to the device. It goes past the page cache wherever the filesystem of the file can, asked or not.
 *
 * The device bears a mark made of the mount point, so that one which was let go and is somebody else's now is left alone.
 *
 * @see containerd core/mount/loopback_handler_linux.go
 */
export class LoopHandler implements MountHandler, AsyncDisposable {
  readonly #mounter = new Mounter();

  async mount(
    { source, options }: Parameters<MountHandler['mount']>[0],
    at: string,
    { signal }: Parameters<MountHandler['mount']>[2] = {},
  ): Promise<{ device: string }> {
    const readOnly = options.includes('ro');
    try {
      const device = await this.#mounter.attachLoop(source, at, { readOnly, mark: markOf(at), signal });
      return { device };
    } catch (e) {
      signal?.throwIfAborted();
      throw refused('attach loop device', e);
    }
  }

  /** A device in use goes when its last user does, so nobody has to wait. */
  async unmount(at: string): Promise<void> {
    try {
      await this.#mounter.detachLoop(at, markOf(at));
    } catch (e) {
      throw refused('let go loop device', e);
    }
  }

  isMounted(at: string): Promise<boolean> {
    return this.#mounter.isLoopAttached(at, markOf(at));
  }

  /** Devices stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mounter[Symbol.asyncDispose]();
  }
}

function markOf(at: string): string {
  return `stowage:${createHash('sha256').update(at).digest('hex').slice(0, 40)}`;
}
