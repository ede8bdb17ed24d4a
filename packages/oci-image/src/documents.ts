import type { Descriptor, Digest, Labels, Platform } from '@stowage/core';

/** Manifests of one image for several platforms, or whatever else belongs together (image-spec image-index.md). */
export interface ImageIndex {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations: Labels;
  readonly subject?: Descriptor | undefined;
}

/** One image for one platform (image-spec manifest.md). */
export interface ImageManifest {
  readonly mediaType: string;
  readonly config: Descriptor;
  /** From the base up. */
  readonly layers: readonly Descriptor[];
  readonly annotations: Labels;
  readonly subject?: Descriptor | undefined;
}

/** What an image is and how it wants to run (image-spec config.md). */
export interface ImageConfig {
  readonly platform: Platform;
  readonly created?: string | undefined;
  readonly author?: string | undefined;
  readonly config: ContainerConfig;
  /** Digests of the layers' uncompressed archives, from the base up. */
  readonly diffIds: readonly Digest[];
  /** How it was built, from the base up; empty if that was not told. */
  readonly history: readonly HistoryStep[];
}

/** One step of an image's building (image-spec config.md, history). */
export interface HistoryStep {
  readonly created?: string | undefined;
  readonly author?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly comment?: string | undefined;
  /** It made no layer. */
  readonly isEmpty: boolean;
}

export interface ContainerConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly stopSignal: string;
  readonly labels: Labels;
  /** `80/tcp`, ... */
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
}

/** Longest index or manifest that is read; registries are held to the same (containerd's number). */
export const MAX_MANIFEST_BYTES = 4 * 1048 * 1048;

/** Longest image config that is read. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** Most descriptors in one document. */
export const MAX_DESCRIPTORS = 10_000;
