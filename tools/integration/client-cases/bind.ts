import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Client, connect } from '@stowage/client';
import { abortCases } from './aborts.ts';
import { type ClientCase, IMAGE, type Server } from './case.ts';
import { containerCases } from './containers.ts';
import { contentCases } from './content.ts';
import { diffCases } from './diffs.ts';
import { errorCases } from './errors.ts';
import { eventCases } from './events.ts';
import { imageCases } from './images.ts';
import { leaseCases } from './leases.ts';
import { logCases } from './logs.ts';
import { namespaceCases } from './namespaces.ts';
import { processCases } from './processes.ts';
import { registryCases } from './registry.ts';
import { runCases } from './run.ts';
import { serviceCases } from './services.ts';
import { snapshotCases } from './snapshots.ts';
import { taskCases } from './tasks.ts';

const CASES: Readonly<Record<string, readonly ClientCase[]>> = {
  images: imageCases,
  registry: registryCases,
  containers: containerCases,
  run: runCases,
  processes: processCases,
  tasks: taskCases,
  logs: logCases,
  snapshots: snapshotCases,
  diffs: diffCases,
  content: contentCases,
  leases: leaseCases,
  namespaces: namespaceCases,
  events: eventCases,
  services: serviceCases,
  errors: errorCases,
  aborts: abortCases,
};

/** Makes a test of every case on a server; one that it can't do is to be refused as unimplemented. */
export function clientCases(server: Server): void {
  beforeAll(async () => {
    await using client = server.client();
    await client.importImages(createReadStream(server.archive));
    await (await client.image(IMAGE)).unpack();
  }, 60_000);
  afterEach(async () => {
    await using client = server.client();
    try {
      await expectNothingLeft(client, server);
    } catch (e) {
      await tidy(client);
      throw e;
    }
  });
  for (const [group, cases] of Object.entries(CASES)) {
    describe(group, () => {
      test.each(cases.map((one) => [nameOf(one, server), one] as const))(
        '%s',
        async (_, one) => {
          await using client = server.client();
          const done = one.run(client, server);
          if (isLacking(one, server)) await expectUnimplemented(done);
          else await done;
        },
        60_000,
      );
    });
  }
}

const isLacking = ({ needs }: ClientCase, { lacks }: Server) => needs !== undefined && lacks.has(needs);

const nameOf = (one: ClientCase, server: Server) =>
  isLacking(one, server) ? `${one.name}: there are no ${one.needs}, which is said` : one.name;

/** It says what is lacking and what to use instead. */
async function expectUnimplemented(done: Promise<void>): Promise<void> {
  await expect(done).rejects.toMatchObject({
    kind: 'unimplemented',
    message: expect.stringMatching(/: this server has none, which come with .+; \w+ /),
  });
}

async function expectNothingLeft(client: Client, { fifoDir }: Server): Promise<void> {
  const { containers, tasks, leases, content, images } = client.services;
  expect(await Array.fromAsync(containers.list())).toEqual([]);
  expect(await Array.fromAsync(tasks.list())).toEqual([]);
  expect(await Array.fromAsync(leases.list())).toEqual([]);
  expect(await Array.fromAsync(content.statuses())).toEqual([]);
  expect((await Array.fromAsync(images.list())).map(({ name }) => name)).toEqual([IMAGE]);
  const snapshots = await Array.fromAsync(client.services.snapshotter('overlayfs').list());
  expect(snapshots.filter(({ kind }) => kind !== 'committed')).toEqual([]);
  expect(await readdir(fifoDir)).toEqual([]);
}

/** What a case left that failed is no failure of the next. */
async function tidy({ services: { images, leases, tasks, containers, content } }: Client): Promise<void> {
  for await (const { containerId } of tasks.list()) {
    await tasks.kill({ containerId, signal: 9, all: true }).catch(() => undefined);
    await tasks.delete(containerId).catch(() => undefined);
  }
  for await (const { id } of containers.list()) await containers.delete(id);
  for await (const { ref } of content.statuses()) await content.abort(ref).catch(() => undefined);
  for await (const { name } of images.list()) if (name !== IMAGE) await images.delete(name);
  for await (const { id } of leases.list()) await leases.delete(id, { sync: true });
}

/** A client of a socket. */
export const clientAt = (address: string, namespace: string): Client => connect(address, { namespace });
