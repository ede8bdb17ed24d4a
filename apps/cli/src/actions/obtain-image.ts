import type { Client, ImageHandle } from '@stowage/client';
import { type CallOptions, Fault } from '@stowage/core';
import type { RunFlags } from '../commands/run-flags.ts';
import { progressView } from '../progress.ts';
import { registryAccess } from '../registry-access.ts';

/** The image, unpacked; pulled if that is asked for. */
export async function obtainImage(
  client: Client,
  name: string,
  when: RunFlags['pull'],
  { signal }: CallOptions,
): Promise<ImageHandle> {
  if (when !== 'always') {
    try {
      const image = await client.image(name, { signal });
      await image.unpack({ signal });
      return image;
    } catch (e) {
      if (!Fault.is(e, 'not_found') || when === 'never') throw e;
    }
  }
  const access = await registryAccess();
  using progress = progressView(process.stderr);
  return await client.pull(name, { ...access, unpack: true, signal, onProgress: progress.update });
}
