import type { CallOptions, Labels, Platform } from '@stowage/core';

/**
 * What is moved, or where to. Which ends belong together, {@link Transfers.transfer} says.
 *
 * @see containerd core/transfer, api/types/transfer
 */
export type TransferObject =
  | RegistryImage
  | StoredImage
  | ArchiveSource
  | ArchiveSink
  | ByteSource
  | ByteSink
  | OtherObject;

/** An image in a registry: to be pulled, or to be pushed there. */
export interface RegistryImage {
  readonly kind: 'registry';
  /** In full: `docker.io/library/busybox:latest`. */
  readonly reference: string;
  /** Asked when the registry wants a login; none: it is asked anonymously. */
  readonly credentials?: CredentialsFor | undefined;
  /** Sent with every request to the registry. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A directory of `hosts.toml` on the machine that does the transfer. */
  readonly hostDirectory?: string | undefined;
  /** For hosts that nothing is said of. Default: HTTP for loopback, HTTPS for all others. */
  readonly scheme?: 'http' | 'https' | undefined;
  /** What `onLog` is told: requests and answers, how long they took, or both. */
  readonly debug?: 'exchanges' | 'timing' | 'both' | undefined;
  readonly onLog?: ((text: string) => void) | undefined;
}

/** Finds what a registry wants to see. */
export type CredentialsFor = (
  request: CredentialsRequest,
  options?: CallOptions,
) => Promise<TransferCredentials>;

export interface CredentialsRequest {
  /** As it is connected to: `registry-1.docker.io`. */
  readonly host: string;
  readonly reference: string;
  /** `WWW-Authenticate` of the answer that asked for it, where that is known. */
  readonly challenges: readonly string[];
}

export type TransferCredentials =
  | { readonly type: 'none' }
  | { readonly type: 'password'; readonly username: string; readonly password: string }
  /** What a realm gave at a login, to get tokens with. */
  | { readonly type: 'refresh'; readonly token: string }
  /** The header `Authorization` as it is to be sent. */
  | { readonly type: 'header'; readonly value: string };

/** An image in the image store: what to take, or what to make of what arrives. */
export interface StoredImage {
  readonly kind: 'store';
  /** Empty where only `references` say. */
  readonly name: string;
  /** Of the images that are made. */
  readonly labels?: Labels | undefined;
  /** For each, the manifest that suits it best; none: all. */
  readonly platforms?: readonly Platform[] | undefined;
  /** Whether to take manifests and configs of other platforms too. */
  readonly allMetadata?: boolean | undefined;
  /** Most manifests of an index; 0 is no limit. */
  readonly manifestLimit?: number | undefined;
  /** Further names. */
  readonly references?: readonly ImageReference[] | undefined;
  /** What to unpack on arrival. */
  readonly unpacks?: readonly UnpackTarget[] | undefined;
}

export interface ImageReference {
  readonly name: string;
  /** The name is what names begin with: images of archives that have only a tag get it in front, as `<name>:<tag>`. */
  readonly isPrefix?: boolean | undefined;
  /** With `isPrefix`: images of archives that have a full name keep it, whatever it begins with. */
  readonly allowOverwrite?: boolean | undefined;
  /** Also gives, or, without `isPrefix`, gives the name `<name>@<digest>`. */
  readonly addDigest?: boolean | undefined;
  /** With `isPrefix`: gives a name with digest only to images that got no other. */
  readonly skipNamedDigest?: boolean | undefined;
}

export interface UnpackTarget {
  /** Default: that of the machine that does it. */
  readonly platform?: Platform | undefined;
  /** Default: that machine's. */
  readonly snapshotter?: string | undefined;
}

/** An archive of images to read. */
export interface ArchiveSource {
  readonly kind: 'import';
  /** Read once. A failure of it is one of the transfer. */
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly mediaType?: string | undefined;
  /** To compress layers that are not. */
  readonly forceCompress?: boolean | undefined;
}

/** An archive of images to write. */
export interface ArchiveSink {
  readonly kind: 'export';
  /** Called once, at most. Settles when all is there. */
  readonly write: WriteBytes;
  readonly mediaType?: string | undefined;
  /** What to put in; none: what suits the machine that does it. */
  readonly platforms?: readonly Platform[] | undefined;
  /** Puts in all platforms, whatever `platforms` says. */
  readonly allPlatforms?: boolean | undefined;
  /** Leaves out the `manifest.json` that `docker load` reads. */
  readonly skipDockerManifest?: boolean | undefined;
  /** Leaves out layers that may not be distributed. Ours are always left out. */
  readonly skipForeign?: boolean | undefined;
}

export type WriteBytes = (bytes: AsyncIterable<Uint8Array>, options?: CallOptions) => Promise<void>;

export interface ByteSource {
  readonly kind: 'read';
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly mediaType?: string | undefined;
}

export interface ByteSink {
  readonly kind: 'write';
  readonly write: WriteBytes;
  readonly mediaType?: string | undefined;
}

/** Something that only others know. */
export interface OtherObject {
  readonly kind: 'other';
  readonly typeUrl: string;
  readonly value: Uint8Array;
}
