import { expect, test } from '@jest/globals';
import { remoteImages } from '@stowage/images/remote';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import { unixTransport } from '@stowage/rpc/transport';
import { remoteSandboxes } from '@stowage/sandboxes/remote';
import { must } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('sandboxes');

async function post(method: string, body: object, namespace = 'k8s.io'): Promise<Record<string, unknown>> {
  const text = await must('curl', [
    ...['--silent', '--show-error', '--unix-socket', suite.daemon.address],
    ...['-H', 'content-type: application/json', '-H', `containerd-namespace: ${namespace}`],
    ...['-d', JSON.stringify(body), `http://stowage/containerd.services.${method}`],
  ]);
  return JSON.parse(text) as Record<string, unknown>;
}

const SPEC = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';

test('a sandbox in JSON: made, changed by paths, found by filters, deleted', async () => {
  const sandbox = {
    sandboxId: 'pod-1',
    runtime: {
      name: 'io.containerd.runc.v2',
      options: { '@type': 'containerd.runc.v1.Options', systemdCgroup: true },
    },
    spec: { '@type': SPEC, value: { hostname: 'web' } },
    labels: { fooBar: '1', 'example.com/app.name': 'web' },
    extensions: { 'a.b/c': { '@type': 'example.org/Unknown', value: 'AQID' } },
    sandboxer: 'shim',
  };
  expect(await post('sandbox.v1.Store/Create', { sandbox })).toMatchObject({
    sandbox: { ...sandbox, createdAt: expect.stringMatching(/^20/), updatedAt: expect.stringMatching(/^20/) },
  });
  expect(await post('sandbox.v1.Store/Create', { sandbox })).toMatchObject({ code: 'already_exists' });

  const change = { sandboxId: 'pod-1', labels: { fooBar: '2', unnamed: 'x' }, runtime: { name: 'other' } };
  expect(await post('sandbox.v1.Store/Update', { sandbox: change, fields: ['labels.fooBar'] })).toMatchObject(
    {
      sandbox: { ...sandbox, labels: { fooBar: '2', 'example.com/app.name': 'web' } },
    },
  );
  expect(await post('sandbox.v1.Store/Update', { sandbox: change })).toMatchObject({
    code: 'invalid_argument',
  });
  expect(await post('sandbox.v1.Store/Update', { sandbox: change, fields: ['sandboxer'] })).toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining('"sandboxer"'),
  });

  const list = async (filters: readonly string[]) => (await post('sandbox.v1.Store/List', { filters })).list;
  expect(await list(['labels."example.com/app.name"==web'])).toMatchObject([{ sandboxId: 'pod-1' }]);
  expect(await list(['id==pod-2', 'labels.fooBar~=/^[13]$/'])).toBeUndefined();
  expect((await post('sandbox.v1.Store/List', {}, 'default')).list).toBeUndefined();

  expect(await post('sandbox.v1.Store/Get', { sandboxId: 'pod-2' })).toMatchObject({ code: 'not_found' });
  expect(await post('sandbox.v1.Store/Delete', { sandboxId: 'pod-1' })).toEqual({});
  expect(await post('sandbox.v1.Store/Delete', { sandboxId: 'pod-1' })).toMatchObject({ code: 'not_found' });
});

test('sandboxes are there after a restart, keep their namespace, and hold what their labels name', async () => {
  await using transport = unixTransport(suite.daemon.address);
  const scope = { namespace: 'holding' };
  const images = remoteImages(transport, scope);
  const sandboxes = remoteSandboxes(transport, scope);
  const target = {
    mediaType: 'application/vnd.oci.image.index.v1+json',
    digest: `sha256:${'a'.repeat(64)}` as never,
    size: 1n,
  };
  const expired = { 'containerd.io/gc.expire': '2001-01-01T00:00:00Z' };
  const runtime = { name: 'io.containerd.runc.v2' };
  await sandboxes.create({
    id: 'pod',
    labels: { 'containerd.io/gc.ref.image.pause': 'pause' },
    runtime,
    spec: undefined,
    extensions: {},
    sandboxer: 'podsandbox',
  });
  await images.create({ name: 'pause', target, labels: expired });
  await images.create({ name: 'unheld', target, labels: expired });
  await images.create({ name: 'trigger', target, labels: {} });
  await images.delete('trigger', { sync: true });
  expect((await Array.fromAsync(images.list())).map(({ name }) => name)).toEqual(['pause']);

  await suite.daemon.stop('SIGKILL');
  await suite.daemon.start();
  const namespaces = remoteNamespaces(transport);
  expect(await sandboxes.get('pod')).toMatchObject({ id: 'pod', sandboxer: 'podsandbox' });
  await expect(namespaces.delete('holding')).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('images, sandboxes'),
  });
  await sandboxes.delete('pod');
  await images.create({ name: 'trigger', target, labels: {} });
  await images.delete('trigger', { sync: true });
  expect(await Array.fromAsync(images.list())).toEqual([]);
  await namespaces.delete('holding');
});

test('introspection tells of the store and the controller under the names of containerd', async () => {
  const { plugins } = (await post('introspection.v1.Introspection/Plugins', {
    filters: [
      'type==io.containerd.sandbox.store.v1',
      'type==io.containerd.sandbox.controller.v1',
      'id~=^sandbox',
    ],
  })) as { plugins: ReadonlyArray<{ type: string; id: string; initErr?: unknown }> };
  expect(plugins.map(({ type, id, initErr }) => [type, id, initErr]).sort()).toEqual([
    ['io.containerd.grpc.v1', 'sandbox-controllers', undefined],
    ['io.containerd.grpc.v1', 'sandboxes', undefined],
    ['io.containerd.sandbox.controller.v1', 'shim', undefined],
    ['io.containerd.sandbox.store.v1', 'local', undefined],
    ['io.containerd.service.v1', 'sandbox-controllers-service', undefined],
  ]);
});
