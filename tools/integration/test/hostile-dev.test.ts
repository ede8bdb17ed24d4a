import { createWriteStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect, test } from '@jest/globals';
import { LocalContentStore } from '@stowage/content-store';
import { hostPlatform } from '@stowage/core';
import { buildImage, writeArchive } from '@stowage/oci-image';
import { BUSYBOX, mustCtr } from '@stowage/testing';
import { mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('hostile-dev');

// CVE-2026-41579
test('an image whose /dev is a link to a directory of the host changes nothing there', async () => {
  const host = join(suite.dir, 'host');
  await mkdir(join(host, 'shm'), { recursive: true });
  await writeFile(join(host, 'ptmx'), 'kept');
  for (const [i, link] of [host, `../../../../../../../../../..${host}`].entries()) {
    const name = `example.org/hostile:${i}`;
    const dir = join(suite.dir, `image-${i}`);
    await mkdir(dir);
    await using content = await LocalContentStore.open(join(dir, 'content'));
    const target = await buildImage(content, {
      platform: hostPlatform(),
      layers: [
        [
          { path: 'bin/sh', source: BUSYBOX, mode: 0o755 },
          { path: 'dev', link },
        ],
      ],
      config: { Cmd: ['/bin/sh', '-c', 'true'] },
    });
    const archive = join(dir, 'image.tar');
    await pipeline(writeArchive(content, [{ name, target }]), createWriteStream(archive));
    await mustCtr(suite.daemon.address, ['images', 'import', archive]);
    expect(await stowage(suite.daemon.address, ['run', '--rm', name])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('/dev is a link'),
    });
    expect((await readdir(host)).sort()).toEqual(['ptmx', 'shm']);
    expect(await readdir(join(host, 'shm'))).toEqual([]);
    expect(await mustStowage(suite.daemon.address, ['ps', '-aq'])).toBe('');
  }
});
