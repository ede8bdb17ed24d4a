import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { ReadableStream, WritableStream } from 'node:stream/web';
import { expect } from '@jest/globals';
import { type ClientCase, IMAGE } from './case.ts';

export const imageCases: readonly ClientCase[] = [
  {
    name: 'an archive is exported and imported, under its name',
    async run(client, { dir }) {
      const file = join(dir, 'exported.tar');
      const length = await client.exportTo([IMAGE], createWriteStream(file));
      expect(BigInt((await readFile(file)).length)).toBe(length);
      const { target } = await client.image(IMAGE);
      const [image, ...more] = await client.importImages(createReadStream(file));
      expect([image?.name, more]).toEqual([IMAGE, []]);
      // An archive for one platform points at what is left of the image.
      const config = await image?.config();
      expect(config?.config.cmd).toEqual(['/bin/sh']);
      expect(image?.target.digest).toBe(target.digest);
      await rm(file);
    },
  },
  {
    name: 'archives are streams of the web, too',
    async run(client) {
      const chunks: Uint8Array[] = [];
      const to = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) });
      await client.exportTo([IMAGE], to);
      const from = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(chunk);
          controller.close();
        },
      });
      expect((await client.importImages(from)).map(({ name }) => name)).toEqual([IMAGE]);
    },
  },
  {
    name: 'exports and imports tell how far they are',
    async run(client, { archive }) {
      const exporting = client.exportTo([IMAGE], new PassThrough().resume());
      const written = (await Array.fromAsync(exporting.progress())).at(-1);
      expect(written).toEqual({ stage: 'write', bytes: await exporting });
      const importing = client.importImages(createReadStream(archive));
      const read = (await Array.fromAsync(importing.progress())).at(-1);
      expect(read).toMatchObject({ stage: 'read' });
      expect(read?.bytes).toBeGreaterThan(1_000_000n);
      expect((await importing).map(({ name }) => name)).toEqual([IMAGE]);
    },
  },
  {
    name: 'a tag is another name of the same, and goes by itself',
    async run(client) {
      const tagged = await client.tag(IMAGE, 'example.org/other:2');
      expect(tagged.target.digest).toBe((await client.image(IMAGE)).target.digest);
      await tagged.remove({ sync: true });
      await expect(client.image('example.org/other:2')).rejects.toMatchObject({ kind: 'not_found' });
      expect((await (await client.image(IMAGE)).config()).config.cmd).toEqual(['/bin/sh']);
    },
  },
  {
    name: 'images are listed by name, digest and label',
    async run(client) {
      const { images } = client.services;
      const names = async (...filters: string[]) =>
        (await Array.fromAsync(images.list(filters))).map(({ name }) => name).sort();
      const tagged = await client.tag(IMAGE, 'example.org/tagged:1');
      await images.update({ name: tagged.name, labels: { 'a.b/c': 'd' } }, ['labels.a.b/c']);
      expect(await names()).toEqual([IMAGE, tagged.name]);
      expect(await names(`name==${tagged.name}`)).toEqual([tagged.name]);
      expect(await names('name~="^example.org/tag"')).toEqual([tagged.name]);
      expect(await names(`target.digest==${tagged.target.digest}`)).toEqual([IMAGE, tagged.name]);
      expect(await names('labels."a.b/c"==d')).toEqual([tagged.name]);
      expect(await names(`name==${IMAGE},labels."a.b/c"==d`)).toEqual([]);
      await tagged.remove();
    },
  },
  {
    name: 'an image tells its config, layers, history and size',
    async run(client) {
      const image = await client.image(IMAGE);
      const { layers } = await image.manifest();
      expect(layers).toHaveLength(1);
      expect((await image.config()).diffIds).toHaveLength(1);
      expect((await image.history()).flatMap(({ layer }) => layer ?? [])).toEqual(layers);
      expect(await image.size()).toBeGreaterThan(layers[0]?.size ?? 0n);
    },
  },
];
