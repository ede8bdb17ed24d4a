import { abortable, type Digest } from '@stowage/core';

/**
 * Blobs that this process is bringing, by where they go, so that whoever wants one too can follow it. Those of other
 * processes are found by the store's locks alone, and asked for again and again.
 */
export class Downloads {
  readonly #underWay = new Map<string, Download>();

  /**
   * Those into one store.
   *
   * @param store - tells it from others: a namespace, where all are of one daemon.
   */
  into(store: string): BlobDownloads {
    const underWay = this.#underWay;
    const keyOf = (digest: Digest) => JSON.stringify([store, digest]);
    return {
      get: (digest) => underWay.get(keyOf(digest)),
      begin(digest) {
        const key = keyOf(digest);
        const download = new Download(() => {
          if (underWay.get(key) === download) underWay.delete(key);
        });
        underWay.set(key, download);
        return download;
      },
    };
  }
}

/** Blobs on their way into one store. */
export interface BlobDownloads {
  get(digest: Digest): FollowedDownload | undefined;
  /** By whoever holds the blob's ref. Disposed when it is let go, whatever came of it. */
  begin(digest: Digest): Download;
}

export interface FollowedDownload {
  /**
   * Settles when the download has ended, well or not.
   *
   * @param onBytes - told how much of the blob is there, now and as more comes.
   * @throws the signal's reason, or what `onBytes` threw; the download goes on.
   */
  follow(onBytes: (bytes: bigint) => void, signal: AbortSignal | undefined): Promise<void>;
}

interface Follower {
  readonly onBytes: (bytes: bigint) => void;
  readonly fail: (reason: unknown) => void;
}

/** One blob on its way. */
export class Download implements FollowedDownload, Disposable {
  readonly #ended = Promise.withResolvers<void>();
  readonly #followers = new Set<Follower>();
  readonly #onEnd: () => void;
  #bytes = 0n;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Says how much of the blob is there. */
  tell(bytes: bigint): void {
    this.#bytes = bytes;
    for (const { onBytes, fail } of this.#followers) {
      try {
        onBytes(bytes);
      } catch (e) {
        // The follower's own failure, not that of whoever brings the blob.
        fail(e);
      }
    }
  }

  async follow(onBytes: (bytes: bigint) => void, signal: AbortSignal | undefined): Promise<void> {
    onBytes(this.#bytes);
    const { promise: failed, reject: fail } = Promise.withResolvers<never>();
    const follower = { onBytes, fail };
    this.#followers.add(follower);
    try {
      await abortable(Promise.race([this.#ended.promise, failed]), signal);
    } finally {
      this.#followers.delete(follower);
    }
  }

  [Symbol.dispose](): void {
    this.#onEnd();
    this.#ended.resolve();
  }
}
