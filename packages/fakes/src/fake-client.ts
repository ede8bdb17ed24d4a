import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type ImageHandle } from '@stowage/client';
import { type CallOptions, DisposalStack } from '@stowage/core';
import { Engine } from '@stowage/engine';
import { recordImage } from '@stowage/images';
import { type BuildOptions, buildImage } from '@stowage/oci-image';
import { fakePlugins } from './fake-plugins.ts';
import type { FakePrograms } from './fake-program.ts';

export interface FakeClientOptions extends CallOptions {
  /** Default: `default`. */
  readonly namespace?: string | undefined;
  /** What containers may run, besides `true`, `false`, `echo`, `cat` and `sleep`. */
  readonly programs?: FakePrograms | undefined;
  /** Images that are there, by name. */
  readonly images?: Readonly<Record<string, FakeImage>> | undefined;
}

/** How an image wants to run, and what is in it; by default nothing. */
export type FakeImage = Pick<BuildOptions, 'config'> & {
  readonly layers?: BuildOptions['layers'] | undefined;
};

/** A client of an engine of its own. */
export interface FakeClient extends Client {
  /** The same in another namespace. It must not be used once this is disposed. */
  in(namespace: string): Client;
}

/**
 * A client for tests, of an engine inside this process whose content, snapshots and containers are fakes: no daemon, no
 * root, no mounts, no native code but LevelDB's, which keeps the metadata in a temporary directory. Disposing ends all.
 *
 * Images, containers, leases, events and their rules are Stowage's own, so what is wrong here is wrong with a daemon.
 */
export async function fakeClient(options: FakeClientOptions = {}): Promise<FakeClient> {
  const { namespace = 'default', programs, images = {}, signal } = options;
  signal?.throwIfAborted();
  await using opened = new DisposalStack();
  const directory = await mkdtemp(join(tmpdir(), 'stowage-fakes-'));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const [root, state] = [join(directory, 'root'), join(directory, 'state')];
  const engine = opened.use(await Engine.open({ root, state, plugins: fakePlugins(programs), signal }));
  const close = opened.move();
  const client = new Client(engine.transport, { namespace }, () => close.disposeAsync());
  try {
    for (const [name, image] of Object.entries(images)) await addImage(client, name, image, { signal });
  } catch (e) {
    await close.disposeAsync();
    throw e;
  }
  return Object.assign(client, { in: (other: string) => new Client(engine.transport, { namespace: other }) });
}

/** Makes an image in any client's daemon, to run containers of. One of that name is moved. */
export async function addImage(
  client: Client,
  name: string,
  { config, layers = [] }: FakeImage = {},
  { signal }: CallOptions = {},
): Promise<ImageHandle> {
  await using lease = await client.lease({ signal });
  const target = await buildImage(lease.client.services.content, { config, layers, signal });
  await recordImage(client.services.images, name, target, { signal });
  return await client.image(name, { signal });
}
