import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll } from '@jest/globals';
import { LocalContentStore } from '@stowage/content-store';
import { hostPlatform } from '@stowage/core';
import { buildImage, importArchive, pushImage } from '@stowage/oci-image';
import { openRegistry } from '@stowage/registry';
import { demoArchive, type Program, startRegistry } from '@stowage/testing';
import type { Suite } from '../suite.ts';
import { IMAGE, type Server } from './case.ts';

type Own = Pick<Server, 'name' | 'lacks'> & {
  readonly client: (namespace: string) => ReturnType<Server['client']>;
};

/** What all servers share: an archive, a registry with the same image, and folders below that of the test file. */
export function shared(suite: Pick<Suite, 'dir' | 'namespace' | 'before'>, own: Own): Server {
  let registry: (Program & { readonly host: string }) | undefined;
  let archive = '';
  const fifoDir = () => join(suite.dir, 'fifos');
  beforeAll(async () => {
    await mkdir(fifoDir());
    archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
    registry = await startRegistry(join(suite.dir, 'registry'));
    await push(archive, registry.host, join(suite.dir, 'pushed'));
  }, 60_000);
  suite.before(async () => {
    await registry?.[Symbol.asyncDispose]();
  });
  return {
    name: own.name,
    lacks: own.lacks,
    namespace: suite.namespace,
    client: (namespace = suite.namespace) => own.client(namespace),
    get dir() {
      return suite.dir;
    },
    get fifoDir() {
      return fifoDir();
    },
    get archive() {
      return archive;
    },
    get registry() {
      if (registry === undefined) throw new Error('the registry is not started yet');
      return registry.host;
    },
  };
}

/** `demo:1` is the archive's; `large:1` has a layer that no server has. */
async function push(archive: string, host: string, dir: string): Promise<void> {
  await using content = await LocalContentStore.open(dir);
  const [image] = await importArchive(createReadStream(archive), content);
  if (image === undefined) throw new Error('the archive holds no image');
  const file = { path: 'data', data: randomBytes(4_000_000).toString('hex'), mode: 0o644 };
  const large = await buildImage(content, { platform: hostPlatform(), layers: [[file]], config: {} });
  await using pusher = openRegistry({});
  for (const [name, target] of Object.entries({ 'demo:1': image.target, 'large:1': large }))
    await pushImage({ pusher, content, name: `${host}/${name}`, target, part: 'all' });
}
