import { createRouterTransport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Fault, maskedLabels } from '@stowage/core';
import type { Namespace, NamespaceStore } from '@stowage/namespaces';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import { namespaceRoutes } from '@stowage/namespaces/service';

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
