import { createHash, randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import type { Client } from '@stowage/client';
import { readBlob, writeBlob } from '@stowage/content';
import { type Digest, parseDigest } from '@stowage/core';
import { until } from '@stowage/testing';
import type { ClientCase } from './case.ts';

const digestOf = (bytes: Uint8Array): Digest =>
  parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);

/** Another writer may only just have left it. */
async function writerOf(client: Client, ref: string) {
  const { content } = client.services;
  let writer: Awaited<ReturnType<typeof content.writer>> | undefined;
  await until('the ref to be free', async () => {
    writer = await content.writer({ ref }).catch(() => undefined);
    return writer !== undefined;
  });
  if (writer === undefined) throw new Error(`no writer of ${ref}`);
  return writer;
}

export const contentCases: readonly ClientCase[] = [
  {
    name: 'a blob is written, read whole and in part, relabelled, listed and deleted',
    async run(client) {
      const { content } = client.services;
      const bytes = randomBytes(200_000);
      const digest = digestOf(bytes);
      await using _lease = await client.lease();
      const labels = { 'containerd.io/gc.root': 'yes', a: 'b' };
      await writeBlob(content, 'written', bytes, { digest, size: BigInt(bytes.length) }, { labels });
      expect(await content.info(digest)).toMatchObject({ digest, sizeBytes: 200_000n, labels });
      expect(Buffer.compare(await readBlob(content, { digest }), bytes)).toBe(0);
      const part = await Array.fromAsync(content.read(digest, { offset: 1000n, length: 70_000n }));
      expect(Buffer.compare(Buffer.concat(part), bytes.subarray(1000, 71_000))).toBe(0);
      await content.update(digest, { a: 'c' }, ['labels.a']);
      const listed = await Array.fromAsync(content.list(['labels.a==c']));
      expect(listed.map((one) => one.digest)).toEqual([digest]);
      await content.delete(digest);
      await expect(content.info(digest)).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'an ingest that was left is gone on with where it was, and is then there',
    async run(client) {
      const { content } = client.services;
      const bytes = randomBytes(100_000);
      const digest = digestOf(bytes);
      const ref = 'resumed';
      {
        await using writer = await content.writer({ ref, total: 100_000n, expected: digest });
        await writer.write(bytes.subarray(0, 60_000));
      }
      expect(await content.status(ref)).toMatchObject({ ref, offset: 60_000n });
      await using writer = await writerOf(client, ref);
      expect((await writer.status()).offset).toBe(60_000n);
      await writer.write(bytes.subarray(60_000));
      const labels = { 'containerd.io/gc.root': 'yes' };
      expect(await writer.commit({ expected: digest, sizeBytes: 100_000n, labels })).toBe(digest);
      await expect(content.writer({ ref, expected: digest })).rejects.toMatchObject({
        kind: 'already_exists',
      });
      await content.delete(digest);
    },
  },
  {
    name: 'an ingest is dropped, and what is wrong is not committed',
    async run(client) {
      const { content } = client.services;
      {
        await using writer = await content.writer({ ref: 'dropped' });
        await writer.write(Buffer.from('half'));
        const wrong = writer.commit({ expected: digestOf(Buffer.from('whole')) });
        await expect(wrong).rejects.toMatchObject({ kind: 'failed_precondition' });
      }
      await content.abort('dropped');
      await expect(content.status('dropped')).rejects.toMatchObject({ kind: 'not_found' });
      await expect(content.abort('dropped')).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'one writer has a ref at a time',
    async run(client) {
      const { content } = client.services;
      {
        await using _writer = await content.writer({ ref: 'held' });
        await expect(content.writer({ ref: 'held' })).rejects.toMatchObject({ kind: 'unavailable' });
      }
      await (await writerOf(client, 'held'))[Symbol.asyncDispose]();
      await content.abort('held');
    },
  },
  {
    name: 'a read from past the end is out of range',
    async run(client) {
      const { content } = client.services;
      const [{ digest, sizeBytes } = { digest: digestOf(Buffer.of()), sizeBytes: 0n }] =
        await Array.fromAsync(content.list());
      const past = Array.fromAsync(content.read(digest, { offset: sizeBytes + 1n }));
      await expect(past).rejects.toMatchObject({ kind: 'out_of_range' });
    },
  },
  {
    name: 'blobs are verified where they are',
    needs: 'stowage',
    async run(client) {
      const [blob] = await Array.fromAsync(client.services.content.list());
      const seen = await Array.fromAsync(client.services.verifier.verify(blob ? [blob.digest] : []));
      expect(seen).toHaveLength(1);
    },
  },
];
