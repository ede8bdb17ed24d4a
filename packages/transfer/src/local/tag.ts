import type { StoredImage } from '../objects.ts';
import { storeImage } from './names.ts';
import type { Work } from './parts.ts';
import { Steps } from './steps.ts';

/** @see containerd core/transfer/local/tag.go */
export async function tag({ parts, scope, signal }: Work, from: StoredImage, to: StoredImage): Promise<void> {
  const images = parts.images(scope);
  const { target } = await images.get(from.name, { signal });
  await storeImage(images, to, target, new Steps(undefined), { signal });
}
