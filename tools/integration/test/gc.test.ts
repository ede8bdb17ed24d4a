import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Client, connect, daemonApi } from '@stowage/client';
import type { GarbageInspector, ObjectId } from '@stowage/gc';
import { inspectorOverApi } from '@stowage/gc/over-api';
import { unixTransport } from '@stowage/rpc/transport';
import { demoArchive, must, mustCtr, type Program, run, startContainerd } from '@stowage/testing';
import { type InspectorSubject, inspectorCases, runInspectorCase } from '@stowage/testing/inspector-cases';
import { withDaemon } from '../suite.ts';

const IMAGE = 'example.org/demo:1';
const open: Array<() => PromiseLike<void>> = [];
let containerd: (Program & { readonly address: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  for (const close of open) await close();
  await containerd?.[Symbol.asyncDispose]();
});

const suite = withDaemon('gc');
let archive = '';

beforeAll(async () => {
  containerd = await startContainerd(join(suite.dir, 'containerd'));
  archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
}, 60_000);

function clientOf(address: string, namespace: string): Client {
  const client = connect(address, { namespace });
  open.push(() => client[Symbol.asyncDispose]());
  return client;
}

/** What any client would use: the daemon's own, or for containerd what its services list. */
const asked = (address: string, namespace: string) => clientOf(address, namespace).inspector();

function overApi(address: string, namespace: string): GarbageInspector {
  const transport = unixTransport(address);
  open.push(() => transport[Symbol.asyncDispose]());
  return inspectorOverApi(daemonApi(transport), { namespace });
}

const ours = () => suite.daemon.address;
const theirs = () => containerd?.address ?? '';

describe.each([
  ['stowaged, over its socket', ours, asked],
  ['stowaged, by what its services list', ours, overApi],
  ['containerd, by what its services list', theirs, asked],
])('%s', (_, address, inspectorOf) => {
  const subject: InspectorSubject = {
    snapshotter: 'overlayfs',
    scope({ namespace, lease }) {
      const { services } = clientOf(address(), namespace);
      return lease === undefined ? services : services.leased(lease);
    },
    inspector: (namespace) => inspectorOf(address(), namespace),
  };
  test.each(inspectorCases.map((one) => [one.rule, one] as const))(
    '%s',
    async (_, one) => runInspectorCase(one, subject),
    60_000,
  );
});

test('both daemons give the same reasons for all that one image brought', async () => {
  const namespace = 'same-image';
  for (const address of [ours(), theirs()])
    await mustCtr(address, ['-n', namespace, 'images', 'import', archive]);
  for (const address of [ours(), theirs()]) await collected(address, namespace);
  try {
    const reasons = async (inspector: GarbageInspector) => {
      const all: Record<string, unknown> = {};
      for (const id of await objectsOf(ours(), namespace)) {
        const told = await inspector.explain(id);
        if (told.verdict !== 'kept') throw new Error(`${id.name} is ${told.verdict}`);
        all[`${id.kind} ${id.name}`] = { path: told.path, roots: told.roots, until: told.until };
      }
      return all;
    };
    const told = await reasons(asked(ours(), namespace));
    // An index, a manifest, a config, a layer, the layer's snapshot, and the image.
    expect(Object.keys(told).length).toBeGreaterThanOrEqual(5);
    expect(await reasons(overApi(ours(), namespace))).toEqual(told);
    expect(await reasons(asked(theirs(), namespace))).toEqual(told);

    const image: ObjectId = { namespace, kind: 'images', snapshotter: '', name: IMAGE };
    const [own, other] = [asked(ours(), namespace), asked(theirs(), namespace)];
    const freed = await own.freedBy([image]);
    const { contentBytes, objects } = await other.freedBy([image]);
    expect({ contentBytes, objects }).toEqual({ contentBytes: freed.contentBytes, objects: freed.objects });
    expect(freed.contentBytes).toBeGreaterThan(0n);
    expect(freed.snapshotBytes).toBeGreaterThan(freed.contentBytes / 2n);
    expect(freed.unmeasured).toBe(0);
  } finally {
    for (const address of [ours(), theirs()])
      await mustCtr(address, ['-n', namespace, 'images', 'rm', '--sync', IMAGE]);
  }
}, 60_000);

/** An import leaves the index of its archive behind, which nothing keeps. The removal of a lease waits until it is gone. */
async function collected(address: string, namespace: string): Promise<void> {
  const { leases } = clientOf(address, namespace).services;
  const { id } = await leases.create({});
  await leases.delete(id, { sync: true });
}

async function objectsOf(address: string, namespace: string): Promise<ObjectId[]> {
  const { content, images, snapshotter } = clientOf(address, namespace).services;
  const ids: ObjectId[] = [];
  for await (const { digest } of content.list())
    ids.push({ namespace, kind: 'content', snapshotter: '', name: digest });
  for await (const { name } of images.list()) ids.push({ namespace, kind: 'images', snapshotter: '', name });
  for await (const { name } of snapshotter('overlayfs').list())
    ids.push({ namespace, kind: 'snapshots', snapshotter: 'overlayfs', name });
  return ids;
}

test('what containerd can not tell it says, and refuses', async () => {
  const inspector = asked(theirs(), suite.namespace);
  expect(await inspector.limits()).toEqual(['ingests', 'unfinished', 'moment', 'backends', 'run']);
  await expect(inspector.run()).rejects.toMatchObject({ kind: 'unimplemented' });
  await expect(Array.fromAsync(inspector.orphans())).rejects.toMatchObject({ kind: 'unimplemented' });
  expect(await asked(ours(), suite.namespace).limits()).toEqual([]);
});

test('after the removal of an image the run frees what was told, and backends agree with records', async () => {
  const namespace = 'freed';
  await mustCtr(ours(), ['-n', namespace, 'images', 'import', archive]);
  await collected(ours(), namespace);
  const inspector = asked(ours(), namespace);
  const image: ObjectId = { namespace, kind: 'images', snapshotter: '', name: IMAGE };
  const told = await inspector.freedBy([image], { active: true });
  const [before] = await Array.fromAsync(inspector.usage());
  expect(before?.sizeBytes).toBe(told.contentBytes + told.snapshotBytes);
  // Its scheduler may be first, and then there is nothing left for this one.
  await mustCtr(ours(), ['-n', namespace, 'images', 'rm', IMAGE]);
  await inspector.run();
  const [after] = await Array.fromAsync(inspector.usage());
  expect(after?.sizeBytes).toBe(0n);
  expect(await Array.fromAsync(asked(ours(), '').orphans())).toEqual([]);
}, 60_000);

test('the example of the README prints the path, and what goes with the image', async () => {
  const namespace = 'readme';
  await mustCtr(ours(), ['-n', namespace, 'images', 'import', archive]);
  await collected(ours(), namespace);
  try {
    const [config] = (await objectsOf(ours(), namespace)).filter(({ kind }) => kind === 'content');
    const readme = await readFile(join(import.meta.dirname, '../../../packages/gc/README.md'), 'utf8');
    const [, block = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
    const example = block
      .replace('/run/stowage/stowage.sock', ours())
      .replaceAll("'default'", `'${namespace}'`)
      .replace('sha256:b94d27', config?.name.slice(0, 20) ?? '')
      .replaceAll('docker.io/library/busybox:latest', IMAGE);
    const args = ['--input-type=module-typescript', '-e', example];
    const said = await must(process.execPath, ['--conditions=stowage-source', ...args], {
      cwd: import.meta.dirname,
    });
    expect(said).toMatch(
      new RegExp(`^images ${IMAGE} { by: 'itself' }\ncontent sha256:[0-9a-f]+ { by: 'target'`),
    );
    expect(said).toMatch(/\n[1-9]\d+n\n$/);
  } finally {
    await mustCtr(ours(), ['-n', namespace, 'images', 'rm', '--sync', IMAGE]);
  }
}, 60_000);

test('it is JSON over HTTP too', async () => {
  const namespace = 'by-curl';
  await mustCtr(ours(), ['-n', namespace, 'images', 'import', archive]);
  const call = [
    '--silent',
    '--show-error',
    '--unix-socket',
    ours(),
    '-H',
    `containerd-namespace: ${namespace}`,
  ];
  const url = 'http://stowage/stowage.gc.v1.GarbageCollection';
  try {
    const object = { kind: 'images', name: IMAGE };
    const answer = await must('curl', [
      ...[...call, '-H', 'content-type: application/json'],
      ...['-d', JSON.stringify({ object }), `${url}/Explain`],
    ]);
    expect(JSON.parse(answer)).toMatchObject({
      verdict: 'VERDICT_KEPT',
      path: [{ object: { namespace, ...object }, reason: { why: 'WHY_ITSELF' } }],
      rootCount: 1,
    });
    const body = Buffer.from('{}');
    const input = Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]);
    const { stdout } = await run(
      'curl',
      [...call, '-H', 'content-type: application/connect+json', '--data-binary', '@-', `${url}/Usage`],
      { input },
    );
    expect(stdout).toContain('"kind":"images","count":1');
  } finally {
    await mustCtr(ours(), ['-n', namespace, 'images', 'rm', '--sync', IMAGE]);
  }
}, 60_000);
