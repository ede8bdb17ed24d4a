import type { CallOptions, Descriptor } from '@stowage/core';

/** Where blobs come from: a registry, an archive, another store. `@stowage/registry` fits as it is. */
export interface Fetcher {
  /**
   * The bytes of a blob, from `offset` on.
   *
   * @param name - `host/repository[:tag][@digest]`, as it was resolved.
   * @throws Fault `not_found`; `unavailable` where it broke off, so that going on at what was got makes sense.
   */
  fetch(name: string, descriptor: Descriptor, options?: FetchOptions): AsyncIterable<Uint8Array>;
}

export interface FetchOptions extends CallOptions {
  readonly offset?: bigint | undefined;
}
