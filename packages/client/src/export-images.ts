import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type CallOptions, Fault, hostPlatform, parsePlatform } from '@stowage/core';
import type { Image } from '@stowage/images';
import { holdImages } from '@stowage/leases';
import { writeArchive } from '@stowage/oci-image';
import type { Services } from './services.ts';
import { counted } from './transfer-progress.ts';
import type { Sink } from './web-streams.ts';

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

/** Writes an archive to a stream, which is ended, or destroyed if that fails. @returns its length in bytes. */
export async function exportTo(
  archive: AsyncIterable<Uint8Array>,
  to: Sink,
  onBytes: (sum: bigint) => void,
  { signal }: CallOptions,
): Promise<bigint> {
  let length = 0n;
  const bytes = counted(archive, (sum) => {
    length = sum;
    onBytes(sum);
  });
  // Node's takes streams of the web too, and its types know those of one kind at a time.
  try {
    await pipeline(bytes, to as Writable, { ...(signal && { signal }) });
  } catch (e) {
    // What it held is let go by then.
    await bytes.return(undefined);
    signal?.throwIfAborted();
    throw e;
  }
  return length;
}
