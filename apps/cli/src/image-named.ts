import { type Client, ImageHandle } from '@stowage/client';
import { type CallOptions, Fault, parsePlatform, unlessGone } from '@stowage/core';
import type { Image } from '@stowage/images';
import { normalizeReference } from '@stowage/registry';

/** The image that people mean: by its full name, or else by just what they typed. @throws Fault `not_found` */
export async function imageNamed(client: Client, text: string, options?: CallOptions): Promise<Image> {
  const { images } = client.services;
  const full = fullName(text);
  if (full === undefined || full === text) return await images.get(text, options);
  // Names can be anything, but those of registries come first.
  const found =
    (await unlessGone(images.get(full, options))) ?? (await unlessGone(images.get(text, options)));
  return found ?? (await images.get(full, options));
}

/** Full names of the images that people mean; of all there are if they name none. @throws Fault `not_found` */
export async function imagesNamed(client: Client, texts: readonly string[]): Promise<string[]> {
  const names: string[] = [];
  if (texts.length === 0) for await (const { name } of client.services.images.list()) names.push(name);
  for (const text of texts) names.push((await imageNamed(client, text)).name);
  return names;
}

export async function imageHandle(client: Client, text: string, platform?: string): Promise<ImageHandle> {
  return handleOf(client, await imageNamed(client, text), platform);
}

export function handleOf(client: Client, image: Image, platform?: string): ImageHandle {
  return platform === undefined
    ? new ImageHandle(client.services, image)
    : new ImageHandle(client.services, image, parsePlatform(platform));
}

function fullName(text: string): string | undefined {
  try {
    return normalizeReference(text);
  } catch (e) {
    // No name for a registry; it may be one here.
    if (Fault.is(e, 'invalid_argument')) return undefined;
    throw e;
  }
}
