import type { CallOptions, Descriptor, Scoped, Slot } from '@stowage/core';
import type { TransferObject } from './objects.ts';

/** Moves images between registries, the image store and archives. */
export interface Transfers {
  /**
   * Does all of it, or fails. What it brought by then stays for a next try until it is collected, held by the scope's
   * lease if it has one.
   *
   * | from | to | |
   * | --- | --- | --- |
   * | registry | store | pulls, unpacks, names |
   * | store | registry | pushes |
   * | import | store | reads an archive, unpacks, names what is in it |
   * | store | export | writes an archive |
   * | store | store | gives other names |
   * | import, read | export, write | passes the bytes on |
   *
   * @throws Fault `unimplemented` for any other pair, naming both; `not_found` for images, blobs or platforms that are not
   *   there; what registries, stores and archives fail with.
   */
  transfer(source: TransferObject, destination: TransferObject, options?: TransferOptions): Promise<void>;
}

export interface TransferOptions extends CallOptions {
  /** Must return at once. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  /** Who asked for it, for people who look at what is going on. */
  readonly startedBy?: string | undefined;
}

/**
 * A step, in containerd's words.
 *
 * Without a name, `event` is about the whole: `Resolving from OCI Registry (…)`. With one, it is what happens to that:
 * `waiting`, `downloading`, `uploading`, `extracting`, `extracted`, `complete`, `already exists`, `saved`.
 *
 * @see containerd core/transfer/local/progress.go
 */
export interface TransferProgress {
  readonly event: string;
  readonly name: string;
  /** Names of what it belongs to: of a layer its manifest, of that its index, of that the image. */
  readonly parents: readonly string[];
  readonly bytes: bigint;
  /** 0 where it is not known. */
  readonly totalBytes: bigint;
  readonly descriptor?: Descriptor | undefined;
}

/** Whoever does transfers, asked in order until one does not answer `unimplemented`. Which is to be known before it begins. */
export const transferSlot: Slot<Scoped<Transfers>> = { type: 'io.containerd.transfer.v1', api: 1 };
