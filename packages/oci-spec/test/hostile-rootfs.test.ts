import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { tempDir } from '@stowage/testing';
import { withMounts } from '../src/index.ts';
import { inContainerOf } from './in-container.ts';

// Mounts would be made on the host, if the runtime followed the links. Of /dev, runc before 1.3.6 and 1.4.3 does follow it
// (CVE-2026-41579): no spec can keep it from that, so that whoever starts runc refuses such a root file system.
test.each(['proc', 'sys', 'run'])('an image whose /%s is a link leaves the host as it was', async (name) => {
  await using host = await tempDir('host');
  await mkdir(join(host.path, 'shm'));
  await writeFile(join(host.path, 'kept'), 'kept');
  for (const target of [host.path, `../../../../../..${host.path}`]) {
    const prepare = (rootfs: string) => symlink(target, join(rootfs, name));
    const { stdout } = await inContainerOf(
      { prepare },
      `echo > /${name}/made; $B ls /${name} >/dev/null; echo ran`,
    );
    // A runtime either refuses the image or mounts inside of it.
    expect(['', 'ran\n']).toContain(stdout);
    expect((await readdir(host.path)).sort()).toEqual(['kept', 'shm']);
    expect(await readdir(join(host.path, 'shm'))).toEqual([]);
  }
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(host.path);
});

test('an image whose /etc is a link gets its files inside', async () => {
  await using host = await tempDir('host');
  await writeFile(join(host.path, 'hosts'), 'of the host');
  await writeFile(join(host.path, 'given'), 'given');
  const bind = withMounts([
    { destination: '/etc/hosts', type: 'bind', source: join(host.path, 'given'), options: ['rbind', 'ro'] },
  ]);
  const prepare = (rootfs: string) => symlink(host.path, join(rootfs, 'etc'));
  const { stdout } = await inContainerOf({ prepare }, '$B cat /etc/hosts', bind);
  expect(['', 'given']).toContain(stdout);
  expect(await readFile(join(host.path, 'hosts'), 'utf8')).toBe('of the host');
  expect((await readdir(host.path)).sort()).toEqual(['given', 'hosts']);
});
