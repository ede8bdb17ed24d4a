import type { CallOptions, Descriptor, Digest } from '@stowage/core';
import type { Referrer } from './descriptor-fields.ts';
import type { FetchOptions } from './fetch.ts';
import type { BlobBytes, PushBlobOptions, Pushed } from './push-blob.ts';
import type { Manifest, PushedManifest } from './push-manifest.ts';
import type { ReferrersOptions } from './referrers.ts';
import type { TagsOptions } from './tags.ts';

/**
 * Registries. A name is in full, `host/repository[:tag][@digest]`.
 *
 * All calls fail with `not_found`; `unauthenticated` or `permission_denied`; `unavailable` if the registry does not answer;
 * `resource_exhausted` if it has had too many requests or sends too much; `failed_precondition` if it contradicts itself;
 * `invalid_argument` for a name that is none.
 *
 * @see distribution-spec v1.1
 */
export interface Registry extends AsyncDisposable {
  /**
   * What a full name stands for now.
   *
   * @param name - `host/repository:tag` or `host/repository@digest`.
   * @throws Fault also `unimplemented` for Docker schema 1.
   */
  resolve(name: string, options?: CallOptions): Promise<Resolved>;

  /**
   * The bytes of a blob or manifest, never more than the descriptor says.
   *
   * @param name - of the repository; tag and digest do not matter.
   * @throws Fault `unavailable` where it broke off: ask for the rest with `offset`.
   */
  fetch(name: string, descriptor: Descriptor, options?: FetchOptions): AsyncIterable<Uint8Array>;

  /**
   * Brings a blob to a repository, unless it is there. What breaks off is taken up where the registry says it is.
   *
   * @param name - of the repository; tag and digest do not matter.
   * @param bytes - opens them from an offset on, more than once if need be.
   */
  pushBlob(
    name: string,
    descriptor: Descriptor,
    bytes: BlobBytes,
    options?: PushBlobOptions,
  ): Promise<Pushed>;

  /**
   * Stores a manifest or index under a tag, or by its digest where the name has none. What it points at goes first.
   *
   * @throws Fault `failed_precondition` if it points at what is not there, or is not what the name's digest says.
   */
  pushManifest(name: string, manifest: Manifest, options?: CallOptions): Promise<PushedManifest>;

  /** The tags of a repository, in the registry's order, got page by page as they are read. */
  tags(name: string, options?: TagsOptions): AsyncIterable<string>;

  /** What refers to a manifest: signatures and the like. */
  referrers(name: string, digest: Digest, options?: ReferrersOptions): AsyncIterable<Referrer>;

  /**
   * Deletes a manifest (`host/repository@digest`) or a tag (`host/repository:tag`).
   *
   * @throws Fault `unimplemented` if the registry does not allow it.
   */
  delete(name: string, options?: CallOptions): Promise<void>;

  /** Deletes a blob of a repository. @throws Fault as {@link delete}. */
  deleteBlob(name: string, digest: Digest, options?: CallOptions): Promise<void>;

  /**
   * Asks whether a registry lets in whoever has the credentials that are known.
   *
   * @param host - `docker.io`, `registry.example:5000`.
   */
  check(host: string, options?: CallOptions): Promise<void>;
}

export interface Resolved {
  readonly name: string;
  readonly descriptor: Descriptor;
}
