import type { CallOptions, Descriptor, Labels, Mount, Scoped, Slot, TypedBytes } from '@stowage/core';

/**
 * Annotation, `true`, of what {@link Differ.apply} answers for a layer that was unpacked without those below it: it goes
 * through directories that it has no entries of, whose owner, mode or, if they are links, place only those below know.
 * Unpack it again, on them.
 */
export const NEEDS_BELOW = 'stowage.layer/needs-below';

/**
 * Turns layers into files and files into layers.
 *
 * @see containerd core/diff/diff.go
 */
export interface Differ {
  /**
   * Unpacks a layer of the content store into mounts.
   *
   * One overlay with an `upperdir` and no `lowerdir` asks to unpack without the layers below: the upper directory then
   * holds what the layer does to them as overlayfs has it, to be committed onto them later. See {@link NEEDS_BELOW}.
   *
   * @returns the uncompressed layer: its digest is the *diff id*, to be compared with the image config's by the
   *   caller, `size` its length in bytes.
   * @throws Fault `not_found` if the layer is not in the content store; `unimplemented` for a media type that this
   *   differ does not know; `failed_precondition` for one that can't do without the layers below, and is to;
   *   `invalid_argument` for a malformed or hostile archive; what was unpacked so far may
   *   remain in the mounts.
   */
  apply(layer: Descriptor, mounts: readonly Mount[], options?: ApplyOptions): Promise<Descriptor>;

  /**
   * Packs what changed from `lower` to `upper` into the content store. The same trees make the same archive. A layer that
   * is there already is the answer; a call that fails leaves no ingest.
   *
   * @param lower - What was before; none: nothing was.
   * @returns the compressed layer, whose label `containerd.io/uncompressed` is its diff id.
   * @throws Fault `unimplemented` for a media type that this differ does not make; `failed_precondition` if a file changes
   *   while it is read, and for what no layer can hold; `unavailable` while somebody else holds the ref.
   */
  diff(lower: readonly Mount[], upper: readonly Mount[], options?: DiffOptions): Promise<Descriptor>;
}

export interface ApplyOptions extends CallOptions {
  /** Input of external stream processors, by processor id. */
  readonly payloads?: Readonly<Record<string, TypedBytes>> | undefined;
  /** Asks for the files to be on disk when this settles. Ours always are after the snapshot's commit. */
  readonly syncFs?: boolean | undefined;
  /** Told how many bytes of the compressed layer were read so far. */
  readonly onProgress?: ((bytes: bigint) => void) | undefined;
}

export interface DiffOptions extends CallOptions {
  /** Default: the OCI layer, gzip-compressed. */
  readonly mediaType?: string | undefined;
  /** Ref of the ingest, which is begun anew. Default: a random one. */
  readonly ref?: string | undefined;
  /** Of the blob, if it is new. */
  readonly labels?: Labels | undefined;
  /** Files that were changed later get this time. */
  readonly sourceDateEpoch?: Date | undefined;
}

/** Backends, tried in order until one does not answer `unimplemented`. */
export const differSlot: Slot<Scoped<Differ>> = { type: 'io.containerd.differ.v1', api: 1 };

export const diffServiceSlot: Slot<Scoped<Differ>> = {
  type: 'io.containerd.service.v1',
  id: 'diff-service',
  api: 1,
};
