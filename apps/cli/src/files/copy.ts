import { Fault, quote } from '@stowage/core';
import type { TarItem } from '@stowage/oci-image/tar';
import { itemsAt } from './items.ts';
import { Destination, type PutOptions } from './put.ts';
import { split, type Tree } from './tree.ts';

export interface Source {
  readonly tree: Tree;
  /** With `/.` at its end it is what is in a directory, without that itself. */
  readonly path: string;
}

export interface Target {
  readonly tree: Tree;
  readonly path: string;
  readonly put: PutOptions;
}

export interface CopyOptions {
  /** Whether a link is copied as what it leads to. */
  readonly followLink: boolean;
  readonly signal: AbortSignal;
}

/**
 * Copies a file or directory with all that is in it: into a directory that is there, or to a new name.
 *
 * @see docker cp, whose rules these are
 */
export async function copyTree(source: Source, target: Target, options: CopyOptions): Promise<void> {
  const found = await statSource(source, options);
  const place = await placeFor(source, found.isDirectory(), target);
  using destination = new Destination(target.tree, place.dir, target.put);
  for await (const item of await sourceItems(source, place.name, options)) {
    options.signal.throwIfAborted();
    await destination.put(item);
  }
  await destination.finish();
  const { passedOver } = destination;
  if (passedOver.length > 0)
    process.stderr.write(
      `stowage: ${passedOver.length} devices were left out, such as ${quote(passedOver[0] ?? '')}\n`,
    );
}

/** @param name - what it is called in the copy. */
export async function sourceItems(
  source: Source,
  name: string,
  options: CopyOptions,
): Promise<AsyncGenerator<TarItem>> {
  await statSource(source, options);
  const { tree, path } = source;
  const at = options.followLink ? await tree.target(path) : path;
  return itemsAt(tree, at, name === '.' ? '' : name);
}

async function statSource({ tree, path }: Source, { followLink }: CopyOptions) {
  // A slash at the end asks for the directory behind a link.
  const found = followLink || path.endsWith('/') ? await tree.stat(path) : await tree.lstat(path);
  if (found === undefined)
    throw new Fault('not_found', `cp of ${quote(path)}: there is no such file or directory`);
  return found;
}

/** The directory that it is put into, and its name there; empty for what is in a directory. */
async function placeFor(
  { path: from }: Source,
  isDirectory: boolean,
  { tree, path }: Target,
): Promise<{ readonly dir: string; readonly name: string }> {
  const fail = (reason: string) => new Fault('failed_precondition', `cp to ${quote(path)}: ${reason}`);
  const found = await tree.stat(path);
  const isContent = isDirectory && /(^|\/)\.$/.test(from);
  if (found?.isDirectory()) return { dir: path, name: isContent ? '' : split(from).name };
  if (found !== undefined && isDirectory) throw fail('that is a file, and a directory is to be copied');
  if (found === undefined && path.endsWith('/') && !isDirectory) throw fail('there is no such directory');
  const to = await tree.target(path).catch(() => path);
  const { dir, name } = split(to);
  if (!(await tree.stat(dir))?.isDirectory()) throw fail(`there is no directory ${quote(dir)}`);
  return { dir, name };
}
