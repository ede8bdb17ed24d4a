import { type CallOptions, Fault, hostPlatform, parsePlatform } from '@stowage/core';
import type { Image } from '@stowage/images';
import { holdImages } from '@stowage/leases';
import { writeArchive } from '@stowage/oci-image';
import type { Services } from './services.ts';

export interface ExportOptions extends CallOptions {
  /** `os/architecture[/variant]`. Default: the client's own. `all`: everything that the images point at must be there. */
  readonly platforms?: readonly string[] | 'all' | undefined;
}

export async function* exportImages(
  services: Services,
  names: readonly string[],
  options: ExportOptions,
): AsyncGenerator<Uint8Array> {
  const { signal } = options;
  if (names.length === 0) throw new Fault('invalid_argument', 'export: no image is named');
  const platforms =
    options.platforms === 'all' ? undefined : (options.platforms?.map(parsePlatform) ?? [hostPlatform()]);
  const { images, content, leases } = services;
  const found: Image[] = [];
  for (const name of new Set(names)) found.push(await images.get(name, { signal }));
  await using _held = await holdImages(leases, found, { signal });
  yield* writeArchive(content, found, { platforms, signal });
}
