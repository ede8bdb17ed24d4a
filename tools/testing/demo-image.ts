import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LocalContentStore } from '@stowage/content-store';
import { hostPlatform } from '@stowage/core';
import { buildImage, writeArchive } from '@stowage/oci-image';

/** The static busybox that Debian's package busybox-static brings. */
export const BUSYBOX = '/bin/busybox';

const APPLETS = [
  'sh',
  'echo',
  'cat',
  'ls',
  'sleep',
  'id',
  'ps',
  'kill',
  'stty',
  'head',
  'dd',
  'true',
  'false',
  'seq',
  'env',
  'hostname',
  'tr',
  'wc',
  'yes',
  'test',
  'mkdir',
  'touch',
  'rm',
  'ln',
  'stat',
  'od',
  'md5sum',
  'sha256sum',
];

/**
 * Writes an OCI archive with one image: scratch plus the static busybox under its usual names.
 *
 * @returns the archive's path.
 */
export async function demoArchive(dir: string, name: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  await using content = await LocalContentStore.open(join(dir, 'content'));
  const target = await buildImage(content, {
    platform: hostPlatform(),
    layers: [
      [
        { path: 'bin/busybox', source: BUSYBOX, mode: 0o755 },
        ...APPLETS.map((applet) => ({ path: `bin/${applet}`, link: 'busybox' })),
        {
          path: 'etc/passwd',
          data: 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n',
          mode: 0o644,
        },
        { path: 'etc/group', data: 'root:x:0:\nuser:x:1000:\n', mode: 0o644 },
        { path: 'tmp', directory: true, mode: 0o1777 },
        { path: 'root', directory: true, mode: 0o700 },
      ],
    ],
    config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'], WorkingDir: '/' },
  });
  const file = join(dir, 'demo.tar');
  await pipeline(writeArchive(content, [{ name, target }]), createWriteStream(file));
  return file;
}
