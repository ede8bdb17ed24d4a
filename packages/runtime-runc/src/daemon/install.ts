import { cp, mkdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join, relative, sep } from 'node:path';
import { unlessAbsent } from '@stowage/core';
import { isWithin, readMountInfo } from '@stowage/linux/mountinfo';
import type { SupervisorProgram } from './program.ts';

/**
 * Puts a program where it can run for as long as it likes, and says where its entry is.
 *
 * A bundle is copied with all that it may load later, so that removing or replacing the package breaks no supervisor
 * that runs. Its one native addon (koffi: a few files of JavaScript, and the binary for this machine in a package
 * beside) is copied along, unless the directory is mounted noexec, as /run is on some systems: then it is loaded from
 * where it is installed, by a link.
 */
export async function installProgram(program: SupervisorProgram, directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (program.bundle === undefined) return program.entry;
  await put(join(directory, 'package.json'), Buffer.from('{"type":"module"}\n'));
  for (const [name, bytes] of program.bundle) await put(join(directory, name), bytes);
  await installAddon(join(directory, 'node_modules'));
  return join(directory, program.entry);
}

/** Whole or not at all, and not again: the directory is named by what is in it. */
async function put(path: string, bytes: Uint8Array): Promise<void> {
  if ((await sizeOf(path)) === bytes.length) return;
  await writeFile(`${path}.new`, bytes, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await unlessAbsent(stat(path)))?.size;
}

async function installAddon(modules: string): Promise<void> {
  if ((await sizeOf(join(modules, 'koffi'))) !== undefined) return;
  const koffi = dirname(createRequire(import.meta.url).resolve('koffi'));
  const room = `${modules}.new`;
  await mkdir(room, { recursive: true, mode: 0o700 });
  if (await isNoexec(modules)) {
    await symlink(koffi, join(room, 'koffi'));
  } else {
    const code = (path: string) => ['', '.js', '.cjs', '.json'].includes(extname(path));
    await cp(koffi, join(room, 'koffi'), { recursive: true, filter: code });
    await copyBinary(join(dirname(koffi), '@koromix'), join(room, '@koromix'));
  }
  await rename(room, modules);
}

/** Copies the package that holds the binary this process itself has loaded, and of its binaries only that one. */
async function copyBinary(from: string, to: string): Promise<void> {
  const loaded = await loadedBinary(from);
  await cp(from, to, {
    recursive: true,
    filter: (path) => extname(path) !== '.node' || path === loaded || loaded === undefined,
  });
}

async function loadedBinary(directory: string): Promise<string | undefined> {
  const maps = await readFile('/proc/self/maps', 'utf8');
  const paths = maps.split('\n').map((line) => line.slice(line.indexOf('/')));
  return paths.find((path) => path.endsWith('.node') && !relative(directory, path).startsWith(`..${sep}`));
}

async function isNoexec(path: string): Promise<boolean> {
  const mounts = await readMountInfo();
  const holding = mounts.filter(({ mountPoint }) => isWithin(path, mountPoint));
  const longest = Math.max(...holding.map(({ mountPoint }) => mountPoint.length));
  return (
    holding.findLast(({ mountPoint }) => mountPoint.length === longest)?.options.includes('noexec') ?? false
  );
}
