import type { CallOptions, Mount } from '@stowage/core';
import { Mounter, type UnmountOptions } from '@stowage/linux/mounter';

/** How long after its last use a mounter is let go. */
const REST_MS = 30_000;

/**
 * A mounter whose worker thread is there only while containers come and go: an idle one holds some 10 MB, and
 * starting another takes 30 ms.
 */
export class RestingMounter {
  #mounter: Mounter | undefined;
  #timer: NodeJS.Timeout | undefined;

  mount(mounts: readonly Mount[], target: string, options: CallOptions): Promise<void> {
    return this.#awake().mount(mounts, target, options);
  }

  unmount(target: string, options: UnmountOptions): Promise<void> {
    return this.#awake().unmount(target, options);
  }

  #awake(): Mounter {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Lets calls under way end; the next one finds another mounter.
      this.#mounter?.[Symbol.asyncDispose]().catch(() => {});
      this.#mounter = undefined;
    }, REST_MS).unref();
    this.#mounter ??= new Mounter();
    return this.#mounter;
  }
}
