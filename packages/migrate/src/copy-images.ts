import { unlessGone } from '@stowage/core';
import { type Both, each } from './both.ts';

/** All images of the namespace, whose content is there. One that is there under the name stays what it is. */
export async function copyImages(both: Both): Promise<void> {
  const { from, to, dryRun, signal } = both;
  for await (const { name, target, labels } of from.services.images.list([], { signal })) {
    await each(both, { kind: 'image', name }, async () => {
      const known = await unlessGone(to.services.images.get(name, { signal }));
      if (known !== undefined) {
        if (known.target.digest === target.digest) return { state: 'exists' };
        return { state: 'exists', reason: `it is ${known.target.digest} here, and ${target.digest} there` };
      }
      if (dryRun) return { state: 'would' };
      await to.services.images.create({ name, target, labels }, { signal });
      return { state: 'copied' };
    });
  }
}
