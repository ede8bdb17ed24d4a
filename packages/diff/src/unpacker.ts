import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { type CallOptions, type Digest, Fault, type Mount, parseDigest } from '@stowage/core';
import { primePool } from '@stowage/linux/confine';
import { atATime, Turns } from './turns.ts';
import type { RingWriter } from './unpack/byte-ring.ts';
import { UnpackThread } from './unpack-thread.ts';

export interface UnpackerOptions {
  /** A directory to mount at, made if it is not there. It stays empty: the mounts are seen by their thread only. */
  readonly jail: string;
  /** Layers unpacked at a time; more wait. Default: the machine's processors, at least 2, at most 4. */
  readonly concurrency?: number | undefined;
  /** How long a thread without work is kept. Default 10,000. */
  readonly idleMs?: number | undefined;
}

export interface UnpackOptions extends CallOptions {
  readonly syncFs?: boolean | undefined;
}

/** What was unpacked: the archive as it was before compression. */
export interface Unpacked {
  readonly digest: Digest;
  readonly sizeBytes: bigint;
  /**
   * Only where it was unpacked without the layers below: it goes through directories of theirs, so on them it might have
   * come out otherwise.
   */
  readonly needsBelow: boolean;
}

/** What unpacks archives where they can reach nothing else. */
export interface UnpackLayers extends AsyncDisposable {
  /**
   * Unpacks one archive into mounts.
   *
   * @param bytes - the archive, uncompressed. It is read until its end or until its signal fires, and what it throws is
   *   thrown here.
   * @throws Fault `invalid_argument` for a malformed or hostile archive, `resource_exhausted` where there is no room,
   *   `failed_precondition` if the mounts cannot be made, `permission_denied` without the privilege.
   */
  unpack(
    mounts: readonly Mount[],
    bytes: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
    options?: UnpackOptions,
  ): Promise<Unpacked>;
}

/**
 * Unpacks archives in worker threads that the kernel confines to where they unpack. Needs CAP_SYS_ADMIN.
 *
 * Only for a process that is ours: threads with a root of their own must never come to share libuv's pool, so it is
 * filled before the first of them starts, and nobody may do asynchronous work in them.
 */
export class Unpacker implements UnpackLayers {
  readonly #jail: string;
  readonly #namespace: FileHandle;
  readonly #root: FileHandle;
  readonly #turns: Turns;
  readonly #idleMs: number;
  readonly #idle: { readonly thread: UnpackThread; readonly timer: NodeJS.Timeout }[] = [];
  readonly #stopping = new AbortController();

  private constructor(
    { jail, concurrency, idleMs = 10_000 }: UnpackerOptions,
    namespace: FileHandle,
    root: FileHandle,
  ) {
    this.#jail = jail;
    this.#namespace = namespace;
    this.#root = root;
    this.#turns = new Turns(atATime(concurrency));
    this.#idleMs = idleMs;
  }

  static async open(options: UnpackerOptions): Promise<Unpacker> {
    await primePool();
    await mkdir(options.jail, { recursive: true, mode: 0o700 });
    const namespace = await open('/proc/self/ns/mnt', constants.O_RDONLY);
    const root = await open('/', constants.O_RDONLY | constants.O_DIRECTORY);
    return new Unpacker(options, namespace, root);
  }

  async unpack(
    mounts: readonly Mount[],
    bytes: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
    { syncFs = false, signal }: UnpackOptions = {},
  ): Promise<Unpacked> {
    const either =
      signal === undefined ? this.#stopping.signal : AbortSignal.any([signal, this.#stopping.signal]);
    using _ = await this.#turns.take(either);
    const thread = this.#thread();
    try {
      const feed = async (ring: RingWriter, stop: AbortSignal) => {
        for await (const chunk of bytes(stop)) if (!(await ring.write(chunk))) return;
      };
      const outcome = await thread.run({ mounts, jail: this.#jail, syncFs }, feed, either);
      if (outcome.status === 'failed') throw failure(outcome.kind, outcome.message);
      const { digest, sizeBytes, needsBelow } = outcome;
      return { digest: parseDigest(digest), sizeBytes, needsBelow };
    } finally {
      await this.#release(thread);
    }
  }

  #thread(): UnpackThread {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
      if (idle.thread.isFit) return idle.thread;
    }
    return new UnpackThread({ namespace: this.#namespace.fd, root: this.#root.fd });
  }

  async #release(thread: UnpackThread): Promise<void> {
    if (!thread.isFit || this.#stopping.signal.aborted) {
      await thread[Symbol.asyncDispose]();
      return;
    }
    const timer = setTimeout(() => {
      const at = this.#idle.findIndex((idle) => idle.thread === thread);
      if (at >= 0) this.#idle.splice(at, 1);
      void thread[Symbol.asyncDispose]();
    }, this.#idleMs);
    timer.unref();
    this.#idle.push({ thread, timer });
  }

  /** Gives up what is under way and ends all threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Fault('unavailable', 'unpack: shutting down'));
    await this.#turns.idle();
    const idle = this.#idle.splice(0);
    for (const { timer } of idle) clearTimeout(timer);
    await Promise.all(idle.map(({ thread }) => thread[Symbol.asyncDispose]()));
    await this.#namespace.close();
    await this.#root.close();
  }
}

/** What the worker had no kind for is a bug or a system error nobody thought of: no Fault, but told whole. */
const failure = (kind: Fault['kind'] | undefined, message: string): Error =>
  kind === undefined ? new Error(message) : new Fault(kind, message);
