import { join } from 'node:path';
import { startRegistry } from '@stowage/testing';
import type { Peer } from '../peers.ts';
import { pushLargeImage } from './large-image.ts';

/** An image as a file, as it comes from elsewhere: nothing in it says which registry has its layers. */
export interface LargeArchive {
  readonly file: string;
  readonly name: string;
  readonly files: number;
  readonly megabytes: number;
}

/** Has one of the daemons write it. The other has seen nothing of it then. */
export async function largeArchive(
  peer: Peer,
  dir: string,
  size: { readonly files: number; readonly megabytes: number },
): Promise<LargeArchive> {
  const file = join(dir, 'large.tar');
  await using registry = await startRegistry(join(dir, 'origin'));
  const { name, files, megabytes } = await pushLargeImage(join(dir, 'large'), registry.host, size);
  await peer.ctr('content', 'fetch', '--plain-http', name);
  await peer.ctr('images', 'export', file, name);
  await peer.ctr('images', 'rm', '--sync', name);
  return { file, name, files, megabytes };
}

/** Reads it, into the content store only. */
export const load = (peer: Peer, { file }: LargeArchive) => peer.ctr('images', 'import', '--no-unpack', file);
