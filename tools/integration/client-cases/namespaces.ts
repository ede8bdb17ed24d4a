import { createReadStream } from 'node:fs';
import { expect } from '@jest/globals';
import { type ClientCase, IMAGE } from './case.ts';

export const namespaceCases: readonly ClientCase[] = [
  {
    name: 'they are made, labelled, listed and deleted',
    async run(client, { namespace }) {
      const { namespaces } = client.services;
      const name = `${namespace}-made`;
      await namespaces.create({ name, labels: { a: 'b' } });
      await expect(namespaces.create({ name, labels: {} })).rejects.toMatchObject({ kind: 'already_exists' });
      expect((await namespaces.update({ name, labels: { c: 'd' } }, ['labels.c'])).labels).toEqual({
        a: 'b',
        c: 'd',
      });
      const listed = (await Array.fromAsync(namespaces.list())).map((one) => one.name);
      expect(listed).toEqual(expect.arrayContaining([name, namespace]));
      await namespaces.delete(name);
      await expect(namespaces.delete(name)).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'what is in one is seen by nobody in another, and keeps it from being deleted',
    async run(client, server) {
      const name = `${server.namespace}-other`;
      await using other = server.client(name);
      await other.importImages(createReadStream(server.archive));
      await other.tag(IMAGE, 'example.org/there:1');
      await expect(client.image('example.org/there:1')).rejects.toMatchObject({ kind: 'not_found' });
      const { namespaces } = client.services;
      await expect(namespaces.delete(name)).rejects.toMatchObject({
        kind: 'failed_precondition',
        message: expect.stringMatching(/images/),
      });
      for await (const image of other.services.images.list()) await other.services.images.delete(image.name);
      for await (const { digest } of other.services.content.list())
        await other.services.content.delete(digest);
      await namespaces.delete(name);
      // What is shared below is the first one's still.
      expect((await (await client.image(IMAGE)).config()).config.cmd).toEqual(['/bin/sh']);
    },
  },
];
