import { createClient, createRouterTransport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Containers } from '@stowage/api/containers/v1';
import type { Container, ContainerStore, NewContainer } from '@stowage/containers';
import { remoteContainers } from '@stowage/containers/remote';
import { containerRoutes } from '@stowage/containers/service';
import { jsonBytes, TYPE_URL } from '@stowage/core';

const at = new Date(1_700_000_000_123);
const made: Container = {
  id: 'c1',
  labels: { a: '1' },
  image: 'docker.io/library/busybox:latest',
  runtime: {
    name: 'io.containerd.runc.v2',
    options: { typeUrl: 'containerd.runc.v1.Options', value: new Uint8Array([8, 1]) },
  },
  spec: jsonBytes(TYPE_URL.spec, { process: { args: ['sh'] } }),
  snapshotter: 'overlayfs',
  snapshotKey: 'c1',
  extensions: { 'a.b/c': { typeUrl: 'x/y', value: new Uint8Array([1]) } },
  sandboxId: 'pod',
  createdAt: at,
  updatedAt: at,
};

/** Some containers, and what was asked of them. */
class Some implements ContainerStore {
  readonly created: NewContainer[] = [];
  readonly paths: Array<readonly string[]> = [];

  get = async () => made;
  async *list() {
    for (let i = 0; i < 3; i += 1) yield { ...made, id: `c${i}` };
  }
  create = async (container: NewContainer) => {
    this.created.push(container);
    return { ...container, createdAt: at, updatedAt: at };
  };
  update = async (_: NewContainer, paths: readonly string[] = []) => {
    this.paths.push(paths);
    return made;
  };
  delete = async () => undefined;
}

function plain(container: NewContainer): object {
  return JSON.parse(
    JSON.stringify(container, (_, v: unknown) => (v instanceof Uint8Array ? [...v] : v)),
  ) as object;
}

test('a container crosses the wire as it is: spec, options and extensions byte for byte', async () => {
  const local = new Some();
  const containers = remoteContainers(createRouterTransport(containerRoutes(() => local)), {
    namespace: 'n',
  });
  expect(plain(await containers.get('c1'))).toEqual(plain(made));
  expect(plain(await containers.create(made))).toEqual(plain(made));
  expect(local.created).toHaveLength(1);
  const bare = { ...made, runtime: { name: '' }, spec: undefined, extensions: {} };
  expect(await containers.create(bare)).toMatchObject({ runtime: { name: '' }, extensions: {} });
  await containers.update(made, ['snapshotkey', 'extensions.a.b/c', 'labels.fooBar']);
  expect(local.paths).toEqual([['snapshotkey', 'extensions.a.b/c', 'labels.fooBar']]);
});

test('List answers all in one message, ListStream each in its own', async () => {
  const transport = createRouterTransport(containerRoutes(() => new Some()));
  const rpc = createClient(Containers, transport);
  expect((await rpc.list({})).containers.map(({ id }) => id)).toEqual(['c0', 'c1', 'c2']);
  const streamed: string[] = [];
  for await (const { container } of rpc.listStream({})) streamed.push(container?.id ?? '');
  expect(streamed).toEqual(['c0', 'c1', 'c2']);
  for await (const { id } of remoteContainers(transport, { namespace: 'n' }).list()) {
    expect(id).toBe('c0');
    break;
  }
});

test('a request without its container is refused', async () => {
  const rpc = createClient(Containers, createRouterTransport(containerRoutes(() => new Some())));
  await expect(rpc.create({})).rejects.toThrow('container is required');
});
