import type { CallOptions, Descriptor, Labels, Scoped, Slot } from '@stowage/core';

/**
 * Names for content. An image is a name (free text, by custom `registry/repository:tag`) for a descriptor; it
 * keeps that content, and all that it refers to, from garbage collection.
 *
 * @see containerd core/images/image.go
 */
export interface ImageStore {
  /** @throws Fault `not_found` */
  get(name: string, options?: CallOptions): Promise<Image>;
  /** Images that match any of the filters (fields `name`, `target.digest`, `target.mediatype`, `labels`, `annotations`). */
  list(filters?: readonly string[], options?: CallOptions): AsyncIterable<Image>;
  /** @throws Fault `already_exists`; `invalid_argument` without name, digest, media type or size. */
  create(image: NewImage, options?: ImageWriteOptions): Promise<Image>;
  /**
   * @param paths - `labels`, `labels.<key>`, `target`, `annotations`, `annotations.<key>`; none replaces all.
   * @throws Fault `not_found`; `invalid_argument` for another path, or if the result lacks what `create` asks for.
   */
  update(image: ImageChange, paths?: readonly string[], options?: ImageWriteOptions): Promise<Image>;
  /** @throws Fault `not_found`, also if `target` is given and the image points elsewhere. */
  delete(name: string, options?: DeleteImageOptions): Promise<void>;
}

export interface NewImage {
  readonly name: string;
  readonly target: Descriptor;
  readonly labels: Labels;
}

/** Only what the paths of an update name is looked at; the rest may be left out. */
export interface ImageChange {
  readonly name: string;
  readonly target?: Partial<Descriptor> | undefined;
  readonly labels?: Labels | undefined;
}

export interface Image extends NewImage {
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ImageWriteOptions extends CallOptions {
  /** Time to stamp instead of now, for builds that must not vary. */
  readonly sourceDateEpoch?: Date | undefined;
}

export interface DeleteImageOptions extends CallOptions {
  /** Answers only after a garbage collection has freed what the image held. */
  readonly sync?: boolean | undefined;
  /** Deletes only if the image still points to this digest. */
  readonly target?: Pick<Descriptor, 'digest'> | undefined;
}

export const imageServiceSlot: Slot<Scoped<ImageStore>> = {
  type: 'io.containerd.service.v1',
  id: 'images-service',
  api: 1,
};
