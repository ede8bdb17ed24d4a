import { createClient, createRouterTransport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Store } from '@stowage/api/sandbox/v1';
import { Fault, jsonBytes, type Scope } from '@stowage/core';
import type { NewSandbox, Sandbox, SandboxStore } from '@stowage/sandboxes';
import { remoteSandboxes } from '@stowage/sandboxes/remote';
import { sandboxRoutes } from '@stowage/sandboxes/service';

const at = new Date(1_700_000_000_123);
const made: Sandbox = {
  id: 'pod-1',
  labels: { 'containerd.io/gc.ref.content.x': 'sha256:1', a: '1' },
  runtime: {
    name: 'io.containerd.runc.v2',
    options: { typeUrl: 'containerd.runc.v1.Options', value: new Uint8Array([8, 1]) },
  },
  spec: jsonBytes('types.containerd.io/opencontainers/runtime-spec/1/Spec', { hostname: 'h' }),
  extensions: { 'a.b/c': { typeUrl: 'x/y', value: new Uint8Array([1]) } },
  sandboxer: 'shim',
  createdAt: at,
  updatedAt: new Date(1_700_000_001_456),
};

/** Sandboxes of this process's memory, and what was asked of them. */
class Some implements SandboxStore {
  readonly created: NewSandbox[] = [];
  readonly updated: Array<{ readonly sandbox: NewSandbox; readonly paths: readonly string[] }> = [];
  readonly deleted: string[] = [];
  readonly filters: Array<readonly string[]> = [];

  async get(id: string) {
    if (id !== made.id) throw new Fault('not_found', `sandbox ${id}: not found`);
    return made;
  }
  async *list(filters: readonly string[] = []) {
    this.filters.push(filters);
    for (let i = 0; i < 3; i += 1) yield { ...made, id: `pod-${i}` };
  }
  async create(sandbox: NewSandbox) {
    this.created.push(sandbox);
    return { ...sandbox, createdAt: at, updatedAt: at };
  }
  async update(sandbox: NewSandbox, paths: readonly string[] = []) {
    this.updated.push({ sandbox, paths });
    return made;
  }
  async delete(id: string) {
    this.deleted.push(id);
  }
}

function plain(value: object): object {
  return JSON.parse(
    JSON.stringify(value, (_, v: unknown) => (v instanceof Uint8Array ? [...v] : v)),
  ) as object;
}

test('a sandbox crosses the wire as it is: spec, options and extensions byte for byte', async () => {
  const local = new Some();
  const scopes: Scope[] = [];
  const routes = sandboxRoutes((scope) => {
    scopes.push(scope);
    return local;
  });
  const sandboxes = remoteSandboxes(createRouterTransport(routes), { namespace: 'n', lease: 'l' });
  const { createdAt: _, updatedAt: __, ...fresh } = made;
  expect(plain(await sandboxes.get('pod-1'))).toEqual(plain(made));
  expect(plain(await sandboxes.create(made))).toEqual(plain({ ...made, updatedAt: at }));
  expect(local.created.map(plain)).toEqual([plain(fresh)]);
  await sandboxes.update(made, ['spec', 'extensions.a.b/c', 'labels.fooBar']);
  expect(local.updated.map(plain)).toEqual([
    plain({ sandbox: fresh, paths: ['spec', 'extensions.a.b/c', 'labels.fooBar'] }),
  ]);
  expect((await Array.fromAsync(sandboxes.list(['id==x', 'labels.a']))).map(({ id }) => id)).toEqual([
    'pod-0',
    'pod-1',
    'pod-2',
  ]);
  expect(local.filters).toEqual([['id==x', 'labels.a']]);
  await sandboxes.delete('pod-1');
  expect(local.deleted).toEqual(['pod-1']);
  await expect(sandboxes.get('other')).rejects.toMatchObject({ kind: 'not_found' });
  expect(new Set(scopes.map((scope) => JSON.stringify(scope)))).toEqual(
    new Set(['{"namespace":"n","lease":"l"}']),
  );
});

test('what is not set is absent on the other side, and the runtime is always sent', async () => {
  const local = new Some();
  const sandboxes = remoteSandboxes(createRouterTransport(sandboxRoutes(() => local)), { namespace: 'n' });
  const bare: NewSandbox = {
    id: 'b',
    labels: {},
    runtime: { name: '' },
    spec: undefined,
    extensions: {},
    sandboxer: '',
  };
  expect(await sandboxes.create(bare)).toEqual({
    ...bare,
    labels: {},
    runtime: { name: '', options: undefined },
    createdAt: at,
    updatedAt: at,
  });
});

test('a request without its sandbox is refused', async () => {
  const rpc = createClient(Store, createRouterTransport(sandboxRoutes(() => new Some())));
  await expect(rpc.create({})).rejects.toThrow('sandbox is required');
  await expect(rpc.update({})).rejects.toThrow('sandbox is required');
});
