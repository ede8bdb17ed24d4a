import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, readlink, statfs } from 'node:fs/promises';
import { errnoOf, Fault, quote, unlessAbsent } from '@stowage/core';
import type { TarItem } from '@stowage/oci-image/tar';
import { type Directory, split, type Tree } from './tree.ts';

/** File systems of the kernel's own, whose files are nobody's to copy (statfs(2)). */
const KERNEL_FILE_SYSTEMS = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x19800202]);

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * What is at a path, and below it, as items of an archive under a name. No link is followed but on the way to the path;
 * sockets are left out, and of file systems such as proc all but their directory.
 *
 * @param name - of the first item; empty: only what is below a directory.
 */
export async function* itemsAt(tree: Tree, path: string, name: string): AsyncGenerator<TarItem> {
  const { dir, name: last } = split(path);
  using parent = tree.directory(dir);
  yield* itemsOf(parent, last, name);
}

async function* itemsOf(parent: Directory, name: string, path: string): AsyncGenerator<TarItem> {
  const found = await unlessAbsent(lstat(parent.at(name)));
  // It went meanwhile.
  if (found === undefined) return;
  const about = aboutOf(found, path);
  if (found.isDirectory()) {
    if (path !== '') yield { ...about, type: 'Directory' };
    using directory = parent.below(name);
    if (KERNEL_FILE_SYSTEMS.has((await statfs(directory.at('.'))).type)) return;
    for (const entry of (await readdir(directory.at('.'))).sort())
      yield* itemsOf(directory, entry, path === '' ? entry : `${path}/${entry}`);
  } else if (found.isFile()) yield* fileItem(parent, name, about);
  else if (found.isSymbolicLink())
    yield { ...about, type: 'SymbolicLink', linkPath: await readlink(parent.at(name)) };
  else if (found.isFIFO()) yield { ...about, type: 'FIFO' };
  else if (found.isCharacterDevice() || found.isBlockDevice()) {
    const type = found.isBlockDevice() ? 'BlockDevice' : 'CharacterDevice';
    yield { ...about, type, ...deviceNumbers(found.rdev) };
  }
}

async function* fileItem(
  parent: Directory,
  name: string,
  about: ReturnType<typeof aboutOf>,
): AsyncGenerator<TarItem> {
  try {
    await using file = await open(parent.at(name), READ);
    const found = await file.stat();
    if (!found.isFile()) throw changed(about.path);
    // One that grows is copied as far as it was; whoever writes the archive tells of one that shrinks.
    const body =
      found.size === 0 ? undefined : file.createReadStream({ end: found.size - 1, autoClose: false });
    yield {
      ...about,
      type: 'File',
      sizeBytes: found.size,
      body: body as AsyncIterable<Uint8Array> | undefined,
    };
  } catch (e) {
    if (errnoOf(e) === 'ELOOP' || errnoOf(e) === 'ENOENT') throw changed(about.path);
    throw e;
  }
}

function aboutOf({ mode, uid, gid, mtime }: Stats, path: string) {
  return { path, mode: mode & 0o7777, uid, gid, mtime };
}

/** As the kernel's new_encode_dev packs them. */
function deviceNumbers(device: number): { readonly major: number; readonly minor: number } {
  const bits = BigInt(device);
  return {
    major: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n)),
    minor: Number((bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)),
  };
}

function changed(path: string): Fault {
  return new Fault('failed_precondition', `copy ${quote(path)}: it changed meanwhile`);
}
