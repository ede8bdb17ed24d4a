import { createHash } from 'node:crypto';
import { expect } from '@jest/globals';
import { writeBlob } from '@stowage/content';
import { parseDigest } from '@stowage/core';
import { type ClientCase, IMAGE } from './case.ts';

export const leaseCases: readonly ClientCase[] = [
  {
    name: 'content that is made under one is there while it is, and gone with it',
    async run(client) {
      const bytes = Buffer.from(`held ${Date.now()}`);
      const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
      const { leases, content } = client.services;
      const lease = await client.lease({ labels: { who: 'me' } });
      await writeBlob(lease.client.services.content, 'held', bytes, { digest, size: BigInt(bytes.length) });
      expect(await Array.fromAsync(leases.resources(lease.id))).toEqual([{ id: digest, type: 'content' }]);
      const listed = await Array.fromAsync(leases.list(['labels.who==me']));
      expect(listed.map(({ id }) => id)).toEqual([lease.id]);
      // Another collection in between.
      await client.services.images.create({
        ...{ name: 'example.org/passing:1', labels: {} },
        target: (await client.image(IMAGE)).target,
      });
      await client.services.images.delete('example.org/passing:1', { sync: true });
      expect(await content.info(digest)).toMatchObject({ digest });
      await leases.delete(lease.id, { sync: true });
      await expect(content.info(digest)).rejects.toMatchObject({ kind: 'not_found' });
      // One that somebody else deleted is no failure to dispose.
      await lease[Symbol.asyncDispose]();
    },
  },
  {
    name: 'an image that is removed stays whole while one holds it',
    async run(client) {
      const { leases, content } = client.services;
      const { target } = await client.image(IMAGE);
      await using lease = await client.lease();
      await leases.addResource(lease.id, { type: 'content', id: target.digest });
      expect(await Array.fromAsync(leases.resources(lease.id))).toContainEqual({
        type: 'content',
        id: target.digest,
      });
      await leases.deleteResource(lease.id, { type: 'content', id: target.digest });
      expect(await Array.fromAsync(leases.resources(lease.id))).toEqual([]);
      expect(await content.info(target.digest)).toMatchObject({ digest: target.digest });
    },
  },
  {
    name: 'one that is not there takes nothing, and an id is given once',
    async run(client) {
      const { leases } = client.services;
      await using lease = await client.lease({ id: 'mine' });
      await expect(client.lease({ id: lease.id })).rejects.toMatchObject({ kind: 'already_exists' });
      const resource = { type: 'content', id: `sha256:${'0'.repeat(64)}` };
      const added = leases.addResource('absent', resource);
      await expect(added).rejects.toMatchObject({ kind: 'not_found' });
      await expect(leases.delete('absent')).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
];
