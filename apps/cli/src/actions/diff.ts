import { type ContainerHandle, mountedApart } from '@stowage/client';
import { MEDIA_TYPE } from '@stowage/core';
import { readTar } from '@stowage/oci-image/tar';
import { parseSpec } from '@stowage/oci-spec';
import type { Command } from 'commander';
import { open } from '../connection.ts';
import { Directory } from '../files/tree.ts';
import { interruptible } from '../interrupt.ts';
import { plain } from '../table.ts';

const WHITEOUT = '.wh.';
/** Of the directory itself: all that was in it is hidden. */
const OPAQUE = '.wh..wh..opq';

/** Lists what a container changed: the daemon packs that, and what was there before is looked up in what it was made on. */
export async function diff(command: Command, id: string): Promise<void> {
  await using client = open(command);
  using interrupt = interruptible();
  const { signal } = interrupt;
  const container = await client.container(id, { signal });
  await using changes = await container.packChanges({ mediaType: MEDIA_TYPE.ociLayer, signal });
  const { layer, lower, services } = changes;
  const purpose = `changes of ${id}`;
  await using before = lower.length === 0 ? undefined : await mountedApart(lower, { purpose, signal });
  using root = before && Directory.at(before.path);
  const places = await mountPoints(container);
  for await (const { path } of readTar(services.content.read(layer.digest, {}, { signal }))) {
    const line = lineOf(path.replace(/^\.?\/|\/$/g, ''), root);
    // A directory that the runtime made to mount something at is no doing of the container's.
    if (line !== undefined && !(line.startsWith('A ') && places.has(line.slice(2))))
      process.stdout.write(`${plain(line)}\n`);
  }
}

async function mountPoints(container: ContainerHandle): Promise<ReadonlySet<string>> {
  const { spec } = await container.info();
  const mounts = spec === undefined ? [] : (parseSpec(spec).mounts ?? []);
  return new Set(mounts.map(({ destination }) => destination));
}

function lineOf(path: string, root: Directory | undefined): string | undefined {
  const end = path.lastIndexOf('/') + 1;
  const [dir, name] = [path.slice(0, end), path.slice(end)];
  if (path === '' || path === '.' || name === OPAQUE) return undefined;
  if (name.startsWith(WHITEOUT)) return `D /${dir}${name.slice(WHITEOUT.length)}`;
  return `${root?.has(path) ? 'C' : 'A'} /${path}`;
}
