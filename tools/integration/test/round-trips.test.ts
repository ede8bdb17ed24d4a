import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Client, connect } from '@stowage/client';
import { LocalContentStore } from '@stowage/content-store';
import { type Descriptor, type Digest, digestOf, hexOf, hostPlatform, MEDIA_TYPE } from '@stowage/core';
import { buildImage, chooseManifest, type ImageManifest, readConfig, writeArchive } from '@stowage/oci-image';
import { must, type Program, startRegistry } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

let registry: (Program & { readonly host: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});

const suite = withDaemon('round-trips');
const NOISE = randomBytes(300_000);
const TEXT = 'round and round\n';
let client: Client;
let target: Descriptor;
/** What its name says is there, for every tool. */
let name: string;

const at = (path: string) => join(suite.dir, path);
const skopeo = (...args: string[]) => must('skopeo', ['--insecure-policy', ...args]);
const umoci = (...args: string[]) => must('umoci', args);
const inRegistry = (path: string) => `docker://${registry?.host}/${path}`;

async function chosen(image: Descriptor): Promise<{ descriptor: Descriptor; manifest: ImageManifest }> {
  return chooseManifest(client.services.content, image, hostPlatform());
}

/** In a namespace that has nothing of it: what is there came from the other tool. */
async function elsewhere<T>(work: (there: Client) => Promise<T>): Promise<T> {
  await using there = connect(suite.daemon.address, {
    namespace: `${suite.namespace}-${randomBytes(4).toString('hex')}`,
  });
  return await work(there);
}

/** Every blob of a layout: its path, which names its digest, and whether the bytes are those. */
async function layoutOf(dir: string): Promise<Map<string, boolean>> {
  const blobs = join(dir, 'blobs', 'sha256');
  const found = new Map<string, boolean>();
  for (const hex of await readdir(blobs))
    found.set(`sha256:${hex}`, digestOf(await readFile(join(blobs, hex))) === `sha256:${hex}`);
  return found;
}

async function topOf(dir: string): Promise<{ digest: Digest; mediaType: string }> {
  const index = JSON.parse(await readFile(join(dir, 'index.json'), 'utf8'));
  return index.manifests[0];
}

beforeAll(async () => {
  registry = await startRegistry(at('registry'));
  client = connect(suite.daemon.address, { namespace: suite.namespace });
  name = `${registry.host}/ours:1`;
  await using content = await LocalContentStore.open(at('built'));
  target = await buildImage(content, {
    platform: hostPlatform(),
    layers: [
      [{ path: 'noise', data: NOISE, mode: 0o600 }],
      [
        { path: 'etc/text', data: TEXT },
        { path: 'link', link: 'etc/text' },
      ],
    ],
    config: { Cmd: ['/x'], Labels: { 'example.label': 'kept' } },
  });
  await client.importImages(writeArchive(content, [{ name, target }]));
  await client.push(name);
}, 60_000);
afterAll(async () => {
  await client[Symbol.asyncDispose]();
});

test('skopeo reads what is pushed: the same bytes, of index, manifest, config and layers', async () => {
  const raw = await skopeo('inspect', '--tls-verify=false', '--raw', inRegistry('ours:1'));
  expect(digestOf(raw)).toBe(target.digest);
  const told = JSON.parse(await skopeo('inspect', '--tls-verify=false', inRegistry('ours:1')));
  const { descriptor, manifest } = await chosen(target);
  expect(told).toMatchObject({
    Labels: { 'example.label': 'kept' },
    Os: 'linux',
    Layers: manifest.layers.map(({ digest }) => digest),
  });
  await skopeo('copy', '--all', '--src-tls-verify=false', inRegistry('ours:1'), `oci:${at('pushed')}:v1`);
  const blobs = await layoutOf(at('pushed'));
  const all = [target, descriptor, manifest.config, ...manifest.layers].map(({ digest }) => digest);
  expect([...blobs].sort()).toEqual(all.sort().map((digest) => [digest, true]));
  expect((await topOf(at('pushed'))).digest).toBe(target.digest);
});

test('skopeo and umoci read what is exported, as a layout and as docker save writes it; files come out the same', async () => {
  await pipeline(client.exportImages([name]), createWriteStream(at('ours.tar')));
  const raw = await skopeo('inspect', '--raw', `oci-archive:${at('ours.tar')}`);
  expect(digestOf(raw)).toBe(target.digest);
  const { descriptor, manifest } = await chosen(target);
  await skopeo('copy', `oci-archive:${at('ours.tar')}`, `oci:${at('layout')}:v1`);
  // One platform of it.
  expect((await topOf(at('layout'))).digest).toBe(descriptor.digest);

  await umoci('unpack', '--image', `${at('layout')}:v1`, at('bundle'));
  const rootfs = join(at('bundle'), 'rootfs');
  expect((await readFile(join(rootfs, 'noise'))).equals(NOISE)).toBe(true);
  expect(await readFile(join(rootfs, 'etc/text'), 'utf8')).toBe(TEXT);
  expect(await readlink(join(rootfs, 'link'))).toBe('etc/text');

  const config = await skopeo('inspect', '--config', '--raw', `docker-archive:${at('ours.tar')}`);
  expect(digestOf(config)).toBe(manifest.config.digest);
});

test('an archive that skopeo writes has the same digests when it is read', async () => {
  await skopeo(
    'copy',
    '--all',
    '--src-tls-verify=false',
    inRegistry('ours:1'),
    `oci-archive:${at('theirs.tar')}:v1`,
  );
  const imported = await elsewhere(async (there) => {
    // Skopeo names by a tag alone, which gets no name here: the whole is looked at by its blobs.
    await there.importImages(createReadStream(at('theirs.tar')));
    const blobs = await Array.fromAsync(there.services.content.list());
    return blobs.map(({ digest }) => digest);
  });
  const { descriptor, manifest } = await chosen(target);
  const all = [target, descriptor, manifest.config, ...manifest.layers].map(({ digest }) => digest);
  expect(imported).toEqual(expect.arrayContaining(all));
});

test("what skopeo saves in Docker's form is the image that it was: its config and its archives", async () => {
  const saved = 'example.org/saved:1';
  await skopeo(
    'copy',
    '--src-tls-verify=false',
    inRegistry('ours:1'),
    `docker-archive:${at('saved.tar')}:${saved}`,
  );
  await elsewhere(async (there) => {
    const [image] = await there.importImages(createReadStream(at('saved.tar')));
    expect(image?.name).toBe(saved);
    const { manifest } = await chosen(target);
    const theirs = await image?.manifest();
    // Skopeo writes layers unpacked: their digests are those of the archives.
    const { diffIds } = await readConfig(client.services.content, manifest.config);
    expect(theirs?.layers.map(({ digest }) => digest)).toEqual(diffIds);
    expect(theirs?.config.digest).toBe(manifest.config.digest);
    await image?.unpack();
  });
});

test('what umoci makes is imported, and pulled after skopeo pushed it, as it is', async () => {
  const layout = at('umoci');
  await umoci('init', '--layout', layout);
  await umoci('new', '--image', `${layout}:v1`);
  await umoci(
    'config',
    '--image',
    `${layout}:v1`,
    '--config.cmd',
    '/made',
    '--architecture',
    hostPlatform().architecture,
    '--os',
    'linux',
  );
  await umoci('unpack', '--image', `${layout}:v1`, at('work'));
  await writeFile(join(at('work'), 'rootfs/text'), TEXT);
  await umoci('repack', '--image', `${layout}:v1`, at('work'));
  const made = (await topOf(layout)).digest;
  await must('tar', ['-C', layout, '-cf', at('umoci.tar'), '.']);
  await skopeo(
    'copy',
    '--dest-tls-verify=false',
    '--preserve-digests',
    `oci:${layout}:v1`,
    inRegistry('umoci:1'),
  );

  // Pulled first: a daemon that had it would be sent nothing.
  await elsewhere(async (there) => {
    const image = await there.pull(`${registry?.host}/umoci:1`, { unpack: true });
    expect(image.target.digest).toBe(made);
    expect((await image.containerConfig()).cmd).toEqual(['/made']);
    const { layers } = await image.manifest();
    expect(layers.map(({ mediaType }) => mediaType)).toEqual([MEDIA_TYPE.ociLayerGzip]);
  });
  await elsewhere(async (there) => {
    await there.importImages(createReadStream(at('umoci.tar')));
    expect((await there.services.content.info(made)).digest).toBe(made);
  });
});

test("Docker's media types from skopeo are pulled, and converted to the image that they were made of", async () => {
  await skopeo(
    ...['copy', '--format', 'v2s2', '--src-tls-verify=false', '--dest-tls-verify=false'],
    ...[inRegistry('ours:1'), inRegistry('docker:1')],
  );
  await elsewhere(async (there) => {
    const docker = `${registry?.host}/docker:1`;
    const image = await there.pull(docker);
    const before = await image.manifest();
    expect(before.mediaType).toBe(MEDIA_TYPE.dockerManifest);
    const { manifest } = await chosen(target);
    const { name: converted, reused } = await there.convert(docker, `${registry?.host}/oci:1`, { oci: true });
    expect(reused).toBe(0);
    const after = await (await there.image(converted)).manifest();
    expect(after.layers).toEqual(manifest.layers);
    expect(after.config.mediaType).toBe(MEDIA_TYPE.ociConfig);
    await there.push(converted);
  });
  const told = JSON.parse(await skopeo('inspect', '--tls-verify=false', '--raw', inRegistry('oci:1')));
  expect(told).toMatchObject({
    mediaType: MEDIA_TYPE.ociManifest,
    config: { mediaType: MEDIA_TYPE.ociConfig },
  });
});

test.each(['zstd', 'gzip', 'none'] as const)(
  'an image converted to %s is copied by skopeo, bytes and all',
  async (compression) => {
    const converted = `${registry?.host}/converted:${compression}`;
    const { descriptor } = await client.convert(name, converted, {
      compression,
      level: compression === 'gzip' ? 9 : undefined,
    });
    await client.push(converted);
    const dir = at(`converted-${compression}`);
    // To a form that takes layers as they are: a layout would have them packed.
    const from = inRegistry(`converted:${compression}`);
    await skopeo('copy', '--all', '--preserve-digests', '--src-tls-verify=false', from, `dir:${dir}`);
    expect(digestOf(await readFile(join(dir, 'manifest.json')))).toBe(descriptor.digest);
    const { manifest } = await chosen(descriptor);
    for (const { digest } of [manifest.config, ...manifest.layers])
      expect(digestOf(await readFile(join(dir, hexOf(digest))))).toBe(digest);
  },
);
