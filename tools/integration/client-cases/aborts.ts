import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Client } from '@stowage/client';
import { buildImage } from '@stowage/oci-image';
import { startRegistryFront, startUploadFront, until } from '@stowage/testing';
import { type ClientCase, IMAGE, type Server } from './case.ts';

/** A call that is given up while it lasts rejects with the reason. That nothing is left is looked at after each case. */
async function abortedAfter(ms: number, call: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  const reason = new Error('enough');
  const done = call(stop.signal).then(
    () => 'done',
    (e: unknown) => e,
  );
  await delay(ms);
  stop.abort(reason);
  expect(await done).toBe(reason);
}

/** An archive of which the beginning comes, and then nothing more. */
async function* stalled(archive: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(archive, { start: 0, end: 200_000 })) yield chunk;
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  yield await promise;
}

export const abortCases: readonly ClientCase[] = [
  {
    name: 'a pull in the middle of a layer',
    async run(client, server) {
      await withoutImage(client, server, async (other) => {
        await using front = await startRegistryFront(server.registry, 50_000);
        await abortedAfter(500, (signal) => other.pull(`${front.host}/large:1`, { signal, unpack: true }));
        expect(front.blobRequests.length).toBeGreaterThan(0);
      });
    },
  },
  {
    name: 'a push in the middle of a blob',
    async run(client, server) {
      const reference = await (async () => {
        await using lease = await client.lease();
        const file = { path: 'data', data: randomBytes(1_000_000).toString('hex') };
        const target = await buildImage(lease.client.services.content, { layers: [[file]] });
        await using front = await startUploadFront(server.registry, 100_000);
        const name = `${front.host}/aborted:1`;
        await client.services.images.create({ name, target, labels: {} });
        await abortedAfter(500, (signal) => client.push(name, { signal }));
        expect(front.upBytes()).toBeGreaterThan(0);
        return name;
      })();
      const there = client.pull(`${server.registry}/aborted:1`);
      await expect(there).rejects.toMatchObject({ kind: 'not_found' });
      await client.services.images.delete(reference, { sync: true });
    },
  },
  {
    name: 'an unpacking and a packing, at any time',
    async run(client, server) {
      await using lease = await client.lease();
      const files = Array.from({ length: 300 }, (_, i) => ({ path: `f${i}`, data: `${i}`.repeat(1000) }));
      const target = await buildImage(lease.client.services.content, { layers: [files] });
      await client.services.images.create({ name: 'example.org/files:1', target, labels: {} });
      const image = await client.image('example.org/files:1');
      const lower = await client.viewSnapshot();
      const upper = await client.prepareSnapshot({ parent: await (await client.image(IMAGE)).rootfs() });
      for (const ms of [0, 10, 30, 60]) {
        const signal = AbortSignal.timeout(ms);
        const { differ } = lease.client.services;
        const calls = [image.unpack({ signal }), differ.diff(lower.mounts, upper.mounts, { signal })];
        for (const { status, ...how } of await Promise.allSettled(calls))
          if (status === 'rejected') expect(how).toEqual({ reason: signal.reason });
      }
      await lower[Symbol.asyncDispose]();
      await upper[Symbol.asyncDispose]();
      // A server is told that nobody waits, and clears away after that. containerd leaves it to the lease.
      const { content } = client.services;
      const isClear = async () => (await Array.fromAsync(content.statuses())).length === 0;
      if (server.name === 'containerd') await client.services.leases.delete(lease.id, { sync: true });
      else await until('ingests to go', isClear);
      // What was given up goes on to the end now.
      expect(await image.unpack()).toBe(await image.rootfs());
      await image.remove({ sync: true });
    },
  },
  {
    name: 'an import in the middle of an archive',
    async run(client, server) {
      await withoutImage(client, server, (other) =>
        abortedAfter(300, (signal) => other.importImages(stalled(server.archive, signal), { signal })),
      );
    },
  },
  {
    name: 'an export into what takes nothing more',
    async run(client) {
      await abortedAfter(300, (signal) => client.exportTo([IMAGE], new PassThrough(), { signal }));
    },
  },
  {
    name: 'a wait',
    async run(client) {
      await using run = await client.run({ image: IMAGE, args: ['sleep', '100'] });
      await abortedAfter(50, (signal) => run.handle.wait({ signal }));
    },
  },
  {
    name: 'events',
    async run(client) {
      await abortedAfter(100, async (signal) => {
        for await (const _ of client.events({ signal, filters: ['topic=="/none"'] }));
      });
    },
  },
  {
    name: 'a run, at any time',
    async run(client, { fifoDir }) {
      for (const ms of [0, 5, 20, 40, 80]) {
        const signal = AbortSignal.timeout(ms);
        const io = { fifoDir, stdin: Readable.from(['x']), stdout: true } as const;
        try {
          await using run = await client.run({ image: IMAGE, args: ['sleep', '100'], io, signal });
          await run.exit;
        } catch (e) {
          expect(e).toBe(signal.reason);
        }
      }
    },
  },
  {
    name: 'an exec, at any time',
    async run(client, { fifoDir }) {
      await using run = await client.run({ image: IMAGE, args: ['sleep', '100'] });
      for (const ms of [0, 10, 30, 60]) {
        const signal = AbortSignal.timeout(ms);
        try {
          await using added = await run.exec({
            args: ['sleep', '100'],
            io: { fifoDir, stdout: true },
            signal,
          });
          await added.exit;
        } catch (e) {
          expect(e).toBe(signal.reason);
        }
      }
      expect((await run.handle.pids()).map(({ pid }) => pid)).toEqual([run.pid]);
    },
  },
];

/** In a namespace of its own, which is looked at afterwards: nothing may be left there. */
async function withoutImage(
  client: Client,
  server: Server,
  act: (other: Client) => Promise<void>,
): Promise<void> {
  const name = `${server.namespace}-empty`;
  await using other = server.client(name);
  await act(other);
  const { images, leases, content } = other.services;
  expect(await Array.fromAsync(images.list())).toEqual([]);
  expect(await Array.fromAsync(leases.list())).toEqual([]);
  // What nothing holds goes at the next collection.
  const collected = await leases.create({});
  await leases.delete(collected.id, { sync: true });
  expect(await Array.fromAsync(content.statuses())).toEqual([]);
  expect(await Array.fromAsync(content.list())).toEqual([]);
  await client.services.namespaces.delete(name);
}
