import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { MEDIA_TYPE, unlessGone } from '@stowage/core';
import { chooseManifest } from '@stowage/oci-image';
import { demoArchive } from '@stowage/testing';
import { archiveOfSeveral, OTHER } from '../archive-of-several.ts';
import { mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('cli-image');
const DEMO = 'docker.io/library/demo:1';
const SEVERAL = 'example.org/several:1';

const s = (...args: string[]) => stowage(suite.daemon.address, args);
const must = (...args: string[]) => mustStowage(suite.daemon.address, args);
const lines = (text: string) => text.trimEnd().split('\n');

beforeAll(async () => {
  await must('load', '-i', await demoArchive(join(suite.dir, 'demo'), DEMO));
}, 60_000);

test('check tells what is here, and what is unpacked only after it was', async () => {
  const check = async () => JSON.parse(await must('image', 'check', '--json', 'demo:1'));
  expect(await check()).toMatchObject({ name: DEMO, state: 'complete', missing: [], unpackedIn: [] });
  await must('run', '--rm', 'demo:1', 'true');
  expect(await check()).toMatchObject({ state: 'complete', unpackedIn: ['overlayfs'] });
  const [heading, row] = lines(await must('image', 'check'));
  expect(heading).toMatch(/^NAME +PLATFORM +STATE +BLOBS +SIZE +MISSING +UNPACKED$/);
  expect(row).toMatch(/^docker\.io\/library\/demo:1 +linux\/\S+ +complete +3\/3 +\S+ \S+ +- +overlayfs$/);
  expect(await s('image', 'check', 'absent')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('absent'),
  });
});

test.each(['zstd', 'none', 'gzip'])(
  'converted to %s, an image runs as it did, and shares its config',
  async (how) => {
    const name = `docker.io/library/demo:${how}`;
    const { code, stdout, stderr } = await s('image', 'convert', '--compress', how, 'demo:1', `demo:${how}`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) });
    expect(stderr).toMatch(/^[0-9a-f]{12}: (converted|there already) \(.*\)\n$/);
    expect(await must('run', '--rm', name, 'echo', 'hi')).toBe('hi\n');
    await using client = connect(suite.daemon.address, { namespace: suite.namespace });
    const { content, images, leases } = client.services;
    const manifestOf = async (of: string) => {
      const { target } = await images.get(of);
      return (await chooseManifest(content, target, (await client.image(of)).platform)).manifest;
    };
    const [before, after] = [await manifestOf(DEMO), await manifestOf(name)];
    expect(after.config).toEqual(before.config);
    const suffix = how === 'none' ? '' : `+${how}`;
    expect(after.layers.map(({ mediaType }) => mediaType)).toEqual([`${MEDIA_TYPE.ociLayer}${suffix}`]);
    expect(await Array.fromAsync(leases.list())).toEqual([]);
    // Held by the image alone now.
    await must('gc', 'run');
    for (const { digest } of after.layers)
      expect(await unlessGone(content.info(digest))).toMatchObject({
        labels: { 'containerd.io/uncompressed': expect.stringMatching(/^sha256:/) },
      });
  },
);

test('usage tells what images take, and that they share what is the same', async () => {
  const of = async (name: string) => JSON.parse(await must('image', 'usage', '--json', name));
  const { content, snapshots } = await of('demo:zstd');
  expect(content.sizeBytes).toBeGreaterThan(content.sharedBytes);
  expect(content.sharedBytes).toBeGreaterThan(0);
  // Both unpack to the same.
  expect(snapshots.overlayfs.sizeBytes).toBeGreaterThan(0);
  expect(snapshots.overlayfs.sharedBytes).toBe(snapshots.overlayfs.sizeBytes);
  expect(lines(await must('image', 'usage'))[0]).toMatch(/^NAME +CONTENT +SHARED +SNAPSHOTS +SHARED$/);
});

test('of several platforms one is taken, or all; a platform that is not here is told', async () => {
  const archive = join(suite.dir, 'several.tar');
  const target = await archiveOfSeveral(suite.dir, SEVERAL, archive);
  await must('load', '-i', archive);
  const platform = `linux/${OTHER.architecture}`;
  const one = await must('image', 'convert', '-q', '--platform', platform, SEVERAL, 'example.org/one:1');
  const check = JSON.parse(await must('image', 'check', '--json', 'example.org/one:1'));
  expect(check).toMatchObject({ state: 'complete', descriptor: { digest: one.trim() } });
  expect(await must('image', 'convert', '-q', '--all-platforms', SEVERAL, 'example.org/all:1')).toBe(
    `${target.digest}\n`,
  );
  const none = await s('image', 'convert', '--platform', 'linux/riscv64', SEVERAL, 'example.org/none:1');
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('linux/riscv64') });
  expect(await must('images', '-q')).not.toContain('example.org/none:1');
});

test.each([
  [['--compress', 'lz4', 'demo:1', 'x:1'], 'gzip, zstd, none'],
  [['--compress', 'gzip', '--level', '10', 'demo:1', 'x:1'], '0 to 9'],
  [['--level', 'high', 'demo:1', 'x:1'], 'whole number'],
])('what makes no sense is told: %j', async (args, message) => {
  const { code, stderr } = await s('image', 'convert', ...args);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) });
});
