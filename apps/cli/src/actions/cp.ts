import { basename, resolve } from 'node:path';
import { Fault, quote } from '@stowage/core';
import { type TarItem, writeTar } from '@stowage/oci-image/tar';
import type { Command } from 'commander';
import type { CpFlags } from '../commands/files.ts';
import { open } from '../connection.ts';
import { archiveItems } from '../files/archive-items.ts';
import { containerTree } from '../files/container-tree.ts';
import { copyTree, sourceItems } from '../files/copy.ts';
import { Destination } from '../files/put.ts';
import { Tree } from '../files/tree.ts';
import { interruptible } from '../interrupt.ts';
import { written } from '../written.ts';

/** `CONTAINER:PATH`, a path here, or `-`. */
interface Place {
  readonly container: string | undefined;
  readonly path: string;
}

export async function cp(command: Command, from: string, to: string, flags: CpFlags): Promise<void> {
  const [source, target] = [placeOf(from), placeOf(to)];
  const id = source.container ?? target.container;
  if (id === undefined || (source.container !== undefined && target.container !== undefined))
    throw new Fault(
      'invalid_argument',
      'cp: one of the two must be CONTAINER:PATH, and the other a path here',
    );
  await using client = open(command);
  using interrupt = interruptible('What was copied so far stays.');
  const { signal } = interrupt;
  await using files = await containerTree(client, id, { signal });
  using host = Tree.ofHost();
  const how = { ...flags, signal };
  if (source.container !== undefined) {
    if (target.path === '-') await archiveOut(files.tree, source.path, how);
    else {
      const put = { owner: flags.archive ? ('kept' as const) : undefined, keepSetId: flags.archive };
      await copyTree(
        { tree: files.tree, path: source.path },
        { tree: host, path: resolvedHere(target.path), put },
        how,
      );
    }
  } else if (source.path === '-') await archiveIn(files.tree, target.path);
  else {
    const owner = flags.archive ? ('kept' as const) : { uid: 0, gid: 0 };
    const put = { owner, keepSetId: true };
    await copyTree(
      { tree: host, path: resolvedHere(source.path) },
      { tree: files.tree, path: target.path, put },
      how,
    );
  }
}

/** As docker has it: what begins with a dot or slash is here, whatever colons it has. */
function placeOf(text: string): Place {
  const [, container, path] = /^([^./:][^/:]*):(.*)$/s.exec(text) ?? [];
  if (container === undefined || path === undefined) return { container: undefined, path: text };
  return { container, path: path.startsWith('/') ? path : `/${path}` };
}

/** Where it ends says whether it is meant to be a directory, or what is in it. */
function resolvedHere(path: string): string {
  const end = /(\/|\/\.)$/.exec(path)?.[1] ?? '';
  const whole = resolve(path);
  return whole.endsWith('/') ? `${whole}${end.slice(1)}` : `${whole}${end}`;
}

async function archiveOut(
  tree: Tree,
  path: string,
  how: { readonly followLink: boolean; readonly signal: AbortSignal },
): Promise<void> {
  if (process.stdout.isTTY)
    throw new Fault('invalid_argument', 'cp: an archive is nothing for a terminal; use a pipe');
  const items = await sourceItems({ tree, path }, basename(path) || '.', how);
  for await (const chunk of writeTar(named(items))) {
    how.signal.throwIfAborted();
    await written(chunk);
  }
}

/** The root of a container has no name, so what is in it goes by itself. */
async function* named(items: AsyncIterable<TarItem>): AsyncGenerator<TarItem> {
  for await (const item of items) yield item.path === '' ? { ...item, path: '.' } : item;
}

async function archiveIn(tree: Tree, path: string): Promise<void> {
  if (!(await tree.stat(path))?.isDirectory())
    throw new Fault('not_found', `cp to ${quote(path)}: there is no such directory in the container`);
  using destination = new Destination(tree, path, { owner: 'kept', keepSetId: true });
  for await (const item of archiveItems(process.stdin)) await destination.put(item);
  await destination.finish();
}
