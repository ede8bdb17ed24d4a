import { expect } from '@jest/globals';
import { type ClientCase, IMAGE } from './case.ts';

export const registryCases: readonly ClientCase[] = [
  {
    name: 'an image is pulled and unpacked, and tells how far it is',
    async run(client, { registry }) {
      const pulling = client.pull(`${registry}/demo:1`, { unpack: true });
      const stages = new Set<string>();
      for await (const { stage } of pulling.progress()) stages.add(stage);
      const image = await pulling;
      expect([...stages].sort()).toEqual(['fetch', 'unpack']);
      expect(image.target.digest).toBe((await client.image(IMAGE)).target.digest);
      expect(await image.rootfs()).toMatch(/^sha256:/);
      await image.remove();
    },
  },
  {
    name: 'an image is pushed under another name, and pulled again by its digest',
    async run(client, { registry, name }) {
      const reference = `${registry}/pushed-from-${name}:1`;
      const tagged = await client.tag(IMAGE, reference);
      const pushing = client.push(reference);
      const told = await Array.fromAsync(pushing.progress());
      const { descriptor, leftOut } = await pushing;
      expect(told.every(({ stage }) => stage === 'push')).toBe(true);
      expect(leftOut).toEqual([]);
      await tagged.remove({ sync: true });
      const pulled = await client.pull(`${registry}/pushed-from-${name}@${descriptor.digest}`);
      expect(pulled.target.digest).toBe(descriptor.digest);
      await pulled.remove();
    },
  },
  {
    name: 'a pull of what is not there is not found, and leaves nothing',
    async run(client, { registry }) {
      await expect(client.pull(`${registry}/demo:none`)).rejects.toMatchObject({ kind: 'not_found' });
      const pulling = client.pull(`${registry}/none:1`);
      await expect(Array.fromAsync(pulling.progress())).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'a registry that does not answer is unavailable',
    async run(client) {
      const pulled = client.pull('127.0.0.1:1/demo:1');
      await expect(pulled).rejects.toMatchObject({ kind: 'unavailable' });
    },
  },
];
