import { createRouterTransport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Namespaces } from '@stowage/api/namespaces/v1';
import { Fault, maskedLabels } from '@stowage/core';
import type { Namespace, NamespaceStore } from '@stowage/namespaces';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import { namespaceRoutes } from '@stowage/namespaces/service';
import { serviceRoutes } from '@stowage/rpc';

/** A store of this process's memory. */
function memoryStore(): NamespaceStore {
  const all = new Map<string, Namespace>();
  const find = (name: string) => {
    const found = all.get(name);
    if (found === undefined) throw new Fault('not_found', `namespace ${name}: not found`);
    return found;
  };
  const put = (namespace: Namespace) => {
    all.set(namespace.name, namespace);
    return namespace;
  };
  return {
    get: async (name) => all.get(name) ?? { name, labels: {} },
    async *list() {
      yield* all.values();
    },
    create: async (namespace) => put(namespace),
    update: async ({ name, labels }, paths = []) => {
      let next = paths.length === 0 ? labels : find(name).labels;
      for (const path of paths) next = maskedLabels(next, labels, path.slice('labels.'.length));
      return put({ name, labels: next });
    },
    delete: async (name) => void (find(name) && all.delete(name)),
  };
}

function overConnect(store: NamespaceStore): NamespaceStore {
  return remoteNamespaces(createRouterTransport(namespaceRoutes(store)));
}

test('a namespace and its labels cross the wire as they are, __proto__ included', async () => {
  const namespaces = overConnect(memoryStore());
  const labels = Object.assign(Object.create(null), { 'a.b/c': '1' });
  Object.defineProperty(labels, '__proto__', { value: 'p', enumerable: true, configurable: true });
  await namespaces.create({ name: 'n', labels });
  const { labels: kept } = await namespaces.get('n');
  expect(Object.entries(kept).sort()).toEqual([
    ['__proto__', 'p'],
    ['a.b/c', '1'],
  ]);
  expect(await Array.fromAsync(namespaces.list())).toHaveLength(1);
});

test('mask paths arrive verbatim', async () => {
  const namespaces = overConnect(memoryStore());
  await namespaces.create({ name: 'n', labels: { fooBar: '1', 'x.y_z/w': '2' } });
  const updated = await namespaces.update({ name: 'n', labels: { fooBar: '3' } }, [
    'labels.fooBar',
    'labels.x.y_z/w',
  ]);
  expect({ ...updated.labels }).toEqual({ fooBar: '3' });
});

test('a fault keeps its kind', async () => {
  const namespaces = overConnect(memoryStore());
  await expect(namespaces.delete('n')).rejects.toMatchObject({
    kind: 'not_found',
    message: 'namespace n: not found',
  });
});

test.each([
  ['none', {}],
  ['an empty one', { namespace: {} }],
])(
  'against containerd: an update is answered with %s, and changes name it in a header',
  async (_, answer) => {
    const callers: string[] = [];
    const routes = serviceRoutes(Namespaces, {
      get: ({ name }) => ({ namespace: { name, labels: { a: '1' } } }),
      create: ({ namespace }, { requestHeader }) => {
        callers.push(requestHeader.get('containerd-namespace') ?? 'nobody');
        return { namespace: { name: namespace?.name ?? '' } };
      },
      update: (_, { requestHeader }) => {
        callers.push(requestHeader.get('containerd-namespace') ?? 'nobody');
        return answer;
      },
      delete: (_, { requestHeader }) => {
        callers.push(requestHeader.get('containerd-namespace') ?? 'nobody');
        return {};
      },
    });
    const namespaces = remoteNamespaces(createRouterTransport(routes));
    await namespaces.create({ name: 'n', labels: {} });
    const updated = await namespaces.update({ name: 'n', labels: { a: '1' } }, ['labels.a']);
    expect({ ...updated.labels }).toEqual({ a: '1' });
    await namespaces.delete('n');
    expect(callers).toEqual(['n', 'n', 'n']);
  },
);

test.each(['', 'a/b', 'é', 'a\0'])('no header is made of %j, which is no identifier', async (name) => {
  const namespaces = overConnect(memoryStore());
  for (const call of [
    namespaces.create({ name, labels: {} }),
    namespaces.update({ name, labels: {} }),
    namespaces.delete(name),
  ])
    await expect(call).rejects.toMatchObject({ kind: 'invalid_argument' });
});
