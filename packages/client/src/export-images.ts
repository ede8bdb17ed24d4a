import {
  type CallOptions,
  type Descriptor,
  Fault,
  hostPlatform,
  type Platform,
  parsePlatform,
} from '@stowage/core';
import type { Image } from '@stowage/images';
import { chooseManifest, writeArchive } from '@stowage/oci-image';
import { hold } from './hold.ts';
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
  await using _held = await hold(leases, found, { signal });
  if (platforms !== undefined)
    for (const { target } of found) await expectAny(services, target, platforms, options);
  yield* writeArchive(content, found, { platforms, signal });
}

/** An archive of an image that has nothing for any of the platforms would be an empty one. */
async function expectAny(
  { content }: Services,
  target: Descriptor,
  platforms: readonly Platform[],
  { signal }: CallOptions,
): Promise<void> {
  let none: unknown;
  for (const platform of platforms) {
    try {
      await chooseManifest(content, target, platform, { signal });
      return;
    } catch (e) {
      if (!Fault.is(e, 'not_found')) throw e;
      none ??= e;
    }
  }
  throw none;
}
