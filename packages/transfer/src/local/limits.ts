import type { Platform } from '@stowage/core';

/** What the transfers of a daemon may take, all together. */
export interface TransferLimits {
  /** Blobs that come from registries at a time; 0 is no limit. Default: 3. */
  readonly maxDownloads?: number | undefined;
  /** Blobs that go to registries at a time; 0 is no limit. Default: 3. */
  readonly maxUploads?: number | undefined;
  /** Layers of an image that are unpacked at a time, by snapshotters that can. Default: 1. */
  readonly maxUnpacks?: number | undefined;
  /** What may be unpacked; none: whatever there is a snapshotter for, for every platform. */
  readonly unpacks?: readonly UnpackRule[] | undefined;
  /** Whether a rule is for its platform only. */
  readonly checkPlatform?: boolean | undefined;
  /** Directory of `hosts.toml` for those who name none. */
  readonly hostDirectory?: string | undefined;
}

export interface UnpackRule {
  readonly platform: Platform;
  readonly snapshotter: string;
}
