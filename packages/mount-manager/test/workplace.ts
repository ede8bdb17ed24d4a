import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readMountInfo } from '@stowage/linux/mountinfo';

const run = promisify(execFile);

/** A directory of a test's own, whose mounts and loop devices can be told from those of others. */
export interface Workplace {
  readonly path: string;
  /** An ext4 filesystem in a file, with these files in it. */
  image(name: string, files?: Readonly<Record<string, string>>): Promise<string>;
  /** Mount points below the directory, in the order in which they were mounted. */
  mounted(): Promise<string[]>;
  /** Files below the directory that loop devices are attached to. */
  attached(): Promise<string[]>;
  /** The same once there are none, or after a while: whoever copied the mounts of this process may hold a device yet. */
  stillAttached(): Promise<string[]>;
}

/** Runs a test in a directory of its own, and removes that unless something is left in it. */
export async function inWorkplace(test: (at: Workplace) => Promise<void>): Promise<void> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'stowage-mounts-')));
  const within = (paths: readonly string[]) => paths.filter((one) => one.startsWith(`${path}/`));
  const at: Workplace = {
    path,
    async image(name, files = {}) {
      const tree = join(path, `${name}.files`);
      for (const [file, text] of Object.entries(files)) {
        await mkdir(join(tree, file, '..'), { recursive: true });
        await writeFile(join(tree, file), text);
      }
      await mkdir(tree, { recursive: true });
      const image = join(path, `${name}.ext4`);
      await run('/sbin/mkfs.ext4', ['-q', '-O', '^has_journal', '-d', tree, image, '8M']);
      return image;
    },
    mounted: async () => within((await readMountInfo()).map(({ mountPoint }) => mountPoint)),
    async attached() {
      const files: string[] = [];
      for (const name of await readdir('/sys/block')) {
        if (!name.startsWith('loop')) continue;
        // Absent while nothing is attached.
        const file = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '');
        files.push(file.trimEnd());
      }
      return within(files);
    },
    async stillAttached() {
      const giveUp = performance.now() + 10_000;
      let files = await at.attached();
      for (; files.length > 0 && performance.now() < giveUp; files = await at.attached()) await delay(20);
      return files;
    },
  };
  try {
    await test(at);
    const left = [...(await at.mounted()), ...(await at.stillAttached())];
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  } finally {
    await cleanUp(at);
  }
}

/** After a failure, mounts in use by a test are let go all the same. */
async function cleanUp(at: Workplace): Promise<void> {
  for (const point of (await at.mounted()).reverse()) await run('umount', ['-l', point]);
  for (const file of await at.attached()) {
    const { stdout } = await run('losetup', ['-n', '-O', 'NAME', '-j', file]);
    for (const device of stdout.split('\n'))
      if (device.trim() !== '') await run('losetup', ['-d', device.trim()]);
  }
  await rm(at.path, { recursive: true, force: true });
}
