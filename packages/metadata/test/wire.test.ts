import { Code, createClient, createRouterTransport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Containers } from '@stowage/api/containers/v1';
import { Images } from '@stowage/api/images/v1';
import { Leases } from '@stowage/api/leases/v1';
import { Namespaces } from '@stowage/api/namespaces/v1';
import { Store } from '@stowage/api/sandbox/v1';
import { anyOf, descriptorToWire, timestampOf } from '@stowage/rpc';
import { target as pointsTo, routesOf, Setting, spec } from './setting.ts';

// What clients can say on the wire and our own remote ends never do.

const headers = { 'containerd-namespace': 'n' };
const LONG_AGO = timestampOf(new Date('2001-02-03T04:05:06Z'));
const YEAR_2020 = Math.floor(Date.parse('2020-01-01') / 1000);

async function raw() {
  const at = await Setting.make();
  const transport = createRouterTransport((router) => {
    for (const routes of routesOf(at.metadata)) routes(router);
  });
  return {
    images: createClient(Images, transport),
    containers: createClient(Containers, transport),
    sandboxes: createClient(Store, transport),
    leases: createClient(Leases, transport),
    namespaces: createClient(Namespaces, transport),
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  };
}

const target = descriptorToWire(pointsTo);
const container = { id: 'c', runtime: { name: 'r' }, spec: anyOf(spec) };
const sandbox = { sandboxId: 's', runtime: { name: 'r' } };

test('times that a client sends are passed over, at creation and at updates', async () => {
  await using rpc = await raw();
  const stamps = { createdAt: LONG_AGO, updatedAt: LONG_AGO };
  const { images, containers, sandboxes } = rpc;
  const answers = [
    (await images.create({ image: { name: 'a', target, ...stamps } }, { headers })).image,
    (await images.update({ image: { name: 'a', target, ...stamps } }, { headers })).image,
    (await images.get({ name: 'a' }, { headers })).image,
    (await containers.create({ container: { ...container, ...stamps } }, { headers })).container,
    (await containers.update({ container: { ...container, ...stamps } }, { headers })).container,
    (await containers.get({ id: 'c' }, { headers })).container,
    (await sandboxes.create({ sandbox: { ...sandbox, ...stamps } }, { headers })).sandbox,
    (await sandboxes.update({ sandbox: { ...sandbox, ...stamps } }, { headers })).sandbox,
    (await sandboxes.get({ sandboxId: 's' }, { headers })).sandbox,
  ];
  for (const answer of answers) {
    expect(Number(answer?.createdAt?.seconds)).toBeGreaterThan(YEAR_2020);
    expect(Number(answer?.updatedAt?.seconds)).toBeGreaterThan(YEAR_2020);
  }
});

test('a request without its object is invalid_argument', async () => {
  await using rpc = await raw();
  const { images, containers, sandboxes, leases, namespaces } = rpc;
  await leases.create({ id: 'l' }, { headers });
  for (const call of [
    images.create({}, { headers }),
    images.update({}, { headers }),
    containers.create({}, { headers }),
    containers.update({}, { headers }),
    sandboxes.create({}, { headers }),
    sandboxes.update({}, { headers }),
    leases.addResource({ id: 'l' }, { headers }),
    leases.deleteResource({ id: 'l' }, { headers }),
    namespaces.create({}),
    namespaces.update({}),
    images.create({ image: { name: 'a' } }, { headers }),
  ])
    await expect(call).rejects.toMatchObject({ code: Code.InvalidArgument });
});

test('a mask without paths is no mask', async () => {
  await using rpc = await raw();
  const { images, containers } = rpc;
  await images.create({ image: { name: 'a', target, labels: { a: '1' } } }, { headers });
  const image = { name: 'a', target, labels: { b: '2' } };
  expect((await images.update({ image, updateMask: { paths: [] } }, { headers })).image?.labels).toEqual({
    b: '2',
  });
  await containers.create({ container: { ...container, labels: { a: '1' } } }, { headers });
  expect((await containers.update({ container }, { headers })).container?.labels).toEqual({});
});

test('a delete of an image whose target has no digest asks for none', async () => {
  await using rpc = await raw();
  const { images } = rpc;
  await images.create({ image: { name: 'a', target } }, { headers });
  await expect(
    images.delete({ name: 'a', target: { digest: 'no digest' } }, { headers }),
  ).rejects.toMatchObject({
    code: Code.InvalidArgument,
  });
  await images.delete({ name: 'a', target: { mediaType: 'x' } }, { headers });
  await expect(images.get({ name: 'a' }, { headers })).rejects.toMatchObject({ code: Code.NotFound });
});

test('an image update that only names labels needs no target', async () => {
  await using rpc = await raw();
  const { images } = rpc;
  await images.create({ image: { name: 'a', target } }, { headers });
  const image = { name: 'a', labels: { a: '1' } };
  const updated = await images.update({ image, updateMask: { paths: ['labels.a'] } }, { headers });
  expect(updated.image).toMatchObject({
    labels: { a: '1' },
    target: { digest: target.digest, size: target.size },
  });
});

test('List and ListStream tell the same containers', async () => {
  await using rpc = await raw();
  const { containers } = rpc;
  for (const id of ['a', 'b', 'c']) await containers.create({ container: { ...container, id } }, { headers });
  const filters = ['id!=b'];
  const listed = (await containers.list({ filters }, { headers })).containers.map(({ id }) => id);
  const streamed: Array<string | undefined> = [];
  for await (const message of containers.listStream({ filters }, { headers }))
    streamed.push(message.container?.id);
  expect(listed).toEqual(['a', 'c']);
  expect(streamed).toEqual(listed);
});

test('maps without entries are absent, and nothing is added to an object by its storage', async () => {
  await using rpc = await raw();
  const { images, containers, sandboxes, leases } = rpc;
  const { image } = await images.create({ image: { name: 'a', target } }, { headers });
  expect(image).toMatchObject({ labels: {}, target: { annotations: {} } });
  const made = await containers.create({ container }, { headers });
  expect(made.container).toMatchObject({
    labels: {},
    extensions: {},
    image: '',
    snapshotKey: '',
    sandbox: '',
  });
  expect(made.container?.runtime?.options).toBeUndefined();
  const kept = await sandboxes.create({ sandbox: { sandboxId: 's' } }, { headers });
  expect(kept.sandbox).toMatchObject({ labels: {}, extensions: {}, runtime: { name: '' }, sandboxer: '' });
  expect(kept.sandbox?.spec).toBeUndefined();
  expect((await leases.create({ id: 'l' }, { headers })).lease).toMatchObject({ id: 'l', labels: {} });
});
