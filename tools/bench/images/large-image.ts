import { createReadStream } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Digester, digestOf, MEDIA_TYPE } from '@stowage/core';
import { must, pushBlob, pushManifest } from '@stowage/testing';

const LAYERS = 4;

/**
 * Makes an image out of files of this machine and puts it into a registry: gzip layers, made by GNU tar.
 *
 * @returns what went in.
 */
export async function pushLargeImage(
  dir: string,
  host: string,
  want: { readonly files: number; readonly megabytes: number },
): Promise<{ name: string; files: number; megabytes: number }> {
  await mkdir(dir, { recursive: true });
  const chosen = await chooseFiles(want);
  const layers: Array<{ digest: string; size: number; diffId: string; file: string }> = [];
  for (let i = 0; i < LAYERS; i++) {
    const list = join(dir, `list-${i}`);
    await writeFile(list, chosen.paths.filter((_, n) => n % LAYERS === i).join('\n'));
    const tar = join(dir, `layer-${i}.tar`);
    const flags = ['--numeric-owner', '--no-recursion', '--transform', `s,^,layer${i}/,`, '--sort=none'];
    await must('tar', ['-C', '/', ...flags, '-cf', tar, '-T', list], { timeoutMs: 300_000 });
    const diffId = await digestFile(tar);
    await must('gzip', ['-f', '-6', tar], { timeoutMs: 300_000 });
    const file = `${tar}.gz`;
    const digest = await digestFile(file);
    layers.push({ digest, size: (await stat(file)).size, diffId, file });
    await pushBlob(host, 'bench', digest, file);
  }
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const config = JSON.stringify({
    architecture,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map((l) => l.diffId) },
  });
  const configFile = join(dir, 'config.json');
  await writeFile(configFile, config);
  await pushBlob(host, 'bench', digestOf(config), configFile);
  await pushManifest(host, 'bench', '1', {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: { mediaType: MEDIA_TYPE.ociConfig, digest: digestOf(config), size: config.length },
    layers: layers.map(({ digest, size }) => ({ mediaType: MEDIA_TYPE.ociLayerGzip, digest, size })),
  });
  return { name: `${host}/bench:1`, files: chosen.paths.length, megabytes: chosen.megabytes };
}

/** Small files until there are enough, then larger ones until there is enough of them. */
async function chooseFiles(want: {
  files: number;
  megabytes: number;
}): Promise<{ paths: string[]; megabytes: number }> {
  const listed = await must('find', [
    '/usr',
    '/opt',
    '-xdev',
    '-type',
    'f',
    '-size',
    '-40M',
    '-printf',
    '%s %P\\t%H\\n',
  ]);
  const files = listed
    .trim()
    .split('\n')
    .map((line) => {
      const [sized = '', base = ''] = line.split('\t');
      const space = sized.indexOf(' ');
      return { size: Number(sized.slice(0, space)), path: `${base.slice(1)}/${sized.slice(space + 1)}` };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const target = want.megabytes * 1e6;
  const small = files.filter((f) => f.size < 60_000).slice(0, Math.round(want.files * 0.98));
  let bytes = small.reduce((sum, f) => sum + f.size, 0);
  const large = files.filter((f) => f.size >= 60_000 && f.size < 20e6);
  const average = (target - bytes) / (want.files - small.length);
  large.sort((a, b) => Math.abs(a.size - average) - Math.abs(b.size - average));
  const more: typeof files = [];
  for (const file of large) {
    if (bytes >= target || small.length + more.length >= want.files) break;
    more.push(file);
    bytes += file.size;
  }
  return { paths: [...small, ...more].map((f) => f.path), megabytes: Math.round(bytes / 1e6) };
}

async function digestFile(path: string): Promise<string> {
  const digester = new Digester();
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    digester.update(chunk as Buffer);
  return digester.digest();
}
