import type { CallOptions, Descriptor } from '@stowage/core';

/** Where images are brought: a registry, as a rule. `@stowage/registry` fits as it is. */
export interface Pusher {
  /**
   * Brings a blob there, unless it is.
   *
   * @param name - `host/repository`.
   * @param bytes - opens them from an offset on, more than once if need be.
   */
  pushBlob(
    name: string,
    descriptor: Descriptor,
    bytes: (offset: bigint, options: CallOptions) => AsyncIterable<Uint8Array>,
    options?: PusherOptions,
  ): Promise<'exists' | 'mounted' | 'sent'>;

  /**
   * Stores a manifest or index whose children are there.
   *
   * @param name - `host/repository`, and the tag or digest that it gets.
   */
  pushManifest(
    name: string,
    manifest: { readonly mediaType: string; readonly bytes: Uint8Array },
    options?: CallOptions,
  ): Promise<{ readonly state: 'exists' | 'sent' }>;
}

export interface PusherOptions extends CallOptions {
  /** Repositories at the same place that may have the blob. */
  readonly mountFrom?: readonly string[] | undefined;
  /** Told how many of the bytes are there. */
  readonly onProgress?: ((bytes: bigint) => void) | undefined;
}
