import { type CallOptions, type Descriptor, parsePlatform } from '@stowage/core';
import { recordImage } from '@stowage/images';
import { holdImages } from '@stowage/leases';
import { convertImage, type OnProgress } from '@stowage/oci-image';
import type { Services } from './services.ts';

export interface ConvertOptions extends CallOptions {
  /** How layers are to be compressed. Default: as they are. */
  readonly compression?: 'gzip' | 'zstd' | 'none' | undefined;
  /** 0 to 9 of gzip, 1 to 22 of zstd. Default: 6 and 3. */
  readonly level?: number | undefined;
  /** Gives what has Docker's media types those of OCI. Default: only with zstd. */
  readonly oci?: boolean | undefined;
  /** Which of the image's platforms. Default: `available`, those that are whole here; `all` fails if one is not. */
  readonly platforms?: readonly string[] | 'all' | 'available' | undefined;
  /** Most layers that are converted at a time. Default: 2. */
  readonly concurrency?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface ConvertedImage {
  readonly name: string;
  readonly descriptor: Descriptor;
  /** Manifests that the image's index points at, and the new one's does not. */
  readonly leftOut: readonly Descriptor[];
  /** Layers that were made, and such that are as they were. */
  readonly converted: number;
  readonly reused: number;
}

/** @param leased - holds what is made until the image does. */
export async function convert(
  services: Services,
  leased: Services,
  source: string,
  name: string,
  options: ConvertOptions,
): Promise<ConvertedImage> {
  const { platforms = 'available', compression, level, oci, concurrency, onProgress, signal } = options;
  const part = typeof platforms === 'string' ? platforms : platforms.map((one) => parsePlatform(one));
  const { target, labels } = await services.images.get(source, { signal });
  await using _held = await holdImages(services.leases, [{ target }], { signal });
  const how = { compression, level, oci, part, concurrency, onProgress, signal };
  const converted = await convertImage({ content: leased.content, target, ...how });
  await recordImage(services.images, name, converted.descriptor, { labels, signal });
  return { name, ...converted };
}
