import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CheckpointOptionsSchema, OptionsSchema } from '@stowage/api/runc/v1';
import { writeBlob } from '@stowage/content';
import { LocalContentStore } from '@stowage/content-store';
import { type Descriptor, digestOf, Fault, jsonBytes, TYPE_URL } from '@stowage/core';
import { type TarItem, writeTar } from '@stowage/oci-image/tar';
import { packMessage } from '@stowage/rpc';
import type { CheckpointTask } from '@stowage/runtime';
import { CHECKPOINT_MEDIA_TYPE, CHECKPOINT_SPEC_MEDIA_TYPE } from '../src/checkpoint/media-types.ts';
import { takeCheckpoint } from '../src/checkpoint/take.ts';
import { unpackCheckpoint } from '../src/checkpoint/unpack.ts';
import { restorePathOf } from '../src/convert.ts';

let directory: string;
let store: LocalContentStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  store = await LocalContentStore.open(join(directory, 'content'));
  await mkdir(join(directory, 'bundle'));
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const spec = jsonBytes(TYPE_URL.spec, { ociVersion: '1.0.2' });
const files = { 'core-1.img': 'memory', 'pages-1.img': 'x'.repeat(100_000), 'descriptors.json': '[]' };

/** A runtime that writes these images. */
function writes(images: Readonly<Record<string, string>>) {
  const asked: CheckpointTask[] = [];
  const service = {
    async checkpoint(request: CheckpointTask) {
      asked.push(request);
      for (const [name, text] of Object.entries(images)) await writeFile(join(request.path, name), text);
    },
  };
  return { asked, service };
}

const take = (
  service: { checkpoint(request: CheckpointTask): Promise<void> },
  how?: ReturnType<typeof packMessage>,
) =>
  takeCheckpoint(
    { id: 'c', service, spec, how, bundle: join(directory, 'bundle'), content: () => store },
    {},
  );

const leftInBundle = () => readdir(join(directory, 'bundle'));
const ingests = async () => (await Array.fromAsync(store.statuses())).length;
const refusal = (kind: string, message: RegExp) => ({ kind, message: expect.stringMatching(message) });

async function archive(items: readonly TarItem[]): Promise<Descriptor> {
  const bytes = Buffer.concat(await Array.fromAsync(writeTar(items)));
  const descriptor = {
    mediaType: CHECKPOINT_MEDIA_TYPE,
    digest: digestOf(bytes),
    size: BigInt(bytes.length),
  };
  await writeBlob(store, 'archive', bytes, descriptor);
  return descriptor;
}

async function* text(body: string) {
  yield Buffer.from(body);
}
const file = (path: string, body = 'x'): TarItem => ({
  ...{ path, type: 'File', mode: 0o644 },
  sizeBytes: body.length,
  body: text(body),
});

test('a checkpoint becomes two blobs, and is unpacked as it was', async () => {
  const { service, asked } = writes(files);
  const [images, config] = (await take(service)) as [Descriptor, Descriptor];
  expect(images.mediaType).toBe(CHECKPOINT_MEDIA_TYPE);
  expect(config.mediaType).toBe(CHECKPOINT_SPEC_MEDIA_TYPE);
  expect(asked[0]?.path.startsWith(join(directory, 'bundle/'))).toBe(true);
  expect(await leftInBundle()).toEqual([]);
  expect(await ingests()).toBe(0);
  expect(await store.info(images.digest)).toMatchObject({ sizeBytes: images.size, labels: {} });
  const any = fromBinary(AnySchema, Buffer.concat(await Array.fromAsync(store.read(config.digest))));
  expect(any).toMatchObject({ typeUrl: spec.typeUrl, value: spec.value });
  const to = join(directory, 'restored');
  await unpackCheckpoint(store, images, to, {});
  const found = await Promise.all(
    Object.keys(files).map(async (name) => [name, await readFile(join(to, name), 'utf8')]),
  );
  expect(Object.fromEntries(found)).toEqual(files);
  expect((await readdir(to)).sort()).toEqual(Object.keys(files).sort());
});

test('the same checkpoint again is the same blobs', async () => {
  const { service } = writes(files);
  const [, first] = await take(service);
  const [, again] = await take(service);
  expect(again).toEqual(first);
  expect(await ingests()).toBe(0);
});

test('images go where the options say, and nowhere else', async () => {
  const { service, asked } = writes({});
  const how = packMessage(CheckpointOptionsSchema, { imagePath: '/images/c', exit: true });
  expect(await take(service, how)).toEqual([]);
  expect(asked).toEqual([{ id: 'c', path: '/images/c', options: how }]);
  expect(await Array.fromAsync(store.list())).toEqual([]);
});

test('one that fails leaves nothing in the bundle and the store', async () => {
  const service = {
    async checkpoint({ path }: CheckpointTask) {
      await writeFile(join(path, 'half.img'), 'half');
      throw new Fault('unknown', 'runc checkpoint c: no');
    },
  };
  await expect(take(service)).rejects.toMatchObject(refusal('unknown', /no/));
  const linking = {
    async checkpoint({ path }: CheckpointTask) {
      await writeFile(join(path, 'a.img'), 'a');
      await symlink('/etc/shadow', join(path, 'b.img'));
    },
  };
  await expect(take(linking)).rejects.toThrow(/b\.img|ELOOP/);
  expect(await leftInBundle()).toEqual([]);
  expect(await ingests()).toBe(0);
  expect(await Array.fromAsync(store.list())).toEqual([]);
});

test('what can be no checkpoint of this task is refused', async () => {
  const { service } = writes({});
  await expect(take(service, packMessage(OptionsSchema, {}))).rejects.toMatchObject(
    refusal('invalid_argument', /CheckpointOptions/),
  );
  await rm(join(directory, 'bundle'), { recursive: true });
  await expect(take(service)).rejects.toMatchObject(refusal('not_found', /no task/));
});

test.each<[string, TarItem[]]>([
  ['a path that leads out', [file('../../../etc/x')]],
  ['an absolute path', [file('/etc/x')]],
  ['a directory within', [file('sub/x')]],
  ['a file called ..', [file('..')]],
  ['a symbolic link', [{ path: 'a', type: 'SymbolicLink', mode: 0o777, linkPath: '/etc' }, file('a/x')]],
  ['a hard link', [{ path: 'a', type: 'Link', mode: 0o644, linkPath: '/etc/shadow' }]],
  ['a device', [{ path: 'a', type: 'CharacterDevice', mode: 0o666, major: 1, minor: 5 }]],
  ['a FIFO', [{ path: 'a', type: 'FIFO', mode: 0o666 }]],
  ['a name twice', [file('a'), file('./a')]],
  ['a name too long', [file('n'.repeat(300))]],
  ['a directory of a name', [{ path: 'd', type: 'Directory', mode: 0o755 }]],
])('an archive with %s is refused', async (_, items) => {
  const to = join(directory, 'restored');
  await expect(unpackCheckpoint(store, await archive(items), to, {})).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
  expect((await readdir(to, { withFileTypes: true })).every((entry) => entry.isFile())).toBe(true);
});

test('an archive as Go writes it is taken; one cut short, or of another kind, is not', async () => {
  const items: TarItem[] = [{ path: './', type: 'Directory', mode: 0o755 }, file('./a', 'hello')];
  const whole = await archive(items);
  const to = join(directory, 'restored');
  await unpackCheckpoint(store, whole, to, {});
  expect(await readFile(join(to, 'a'), 'utf8')).toBe('hello');
  const bytes = Buffer.concat(await Array.fromAsync(store.read(whole.digest)));
  const cut = bytes.subarray(0, 512 + 512 + 3);
  const short = { ...whole, digest: digestOf(cut), size: BigInt(cut.length) };
  await writeBlob(store, 'cut', cut, short);
  const other = join(directory, 'other');
  await expect(unpackCheckpoint(store, short, other, {})).rejects.toMatchObject({ kind: 'invalid_argument' });
  const layer = { ...whole, mediaType: 'application/vnd.oci.image.layer.v1.tar' };
  await expect(unpackCheckpoint(store, layer, join(directory, 'x'), {})).rejects.toMatchObject(
    refusal('invalid_argument', /media type/),
  );
});

test('a directory to restore from is named by the options of runc alone', () => {
  expect(restorePathOf(packMessage(OptionsSchema, { criuImagePath: '/i' }))).toBe('/i');
  expect(restorePathOf(packMessage(CheckpointOptionsSchema, { imagePath: '/i' }))).toBe('');
  expect(restorePathOf(undefined)).toBe('');
});
