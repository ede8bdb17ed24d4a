import { createHash } from 'node:crypto';
import { Containers } from '@stowage/api/containers/v1';
import { Content, WriteAction } from '@stowage/api/content/v1';
import { Images } from '@stowage/api/images/v1';
import { Leases } from '@stowage/api/leases/v1';
import { TYPE_URL } from '@stowage/core';
import { LoadClient } from '../load-client.ts';
import type { Peer } from '../peers.ts';

export const NAMESPACE = { 'containerd-namespace': 'bench' };
const SPEC = Buffer.from(JSON.stringify({ ociVersion: '1.0.2', process: { args: ['x'.repeat(4000)] } }));
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

export function connectTo(peer: Peer): Promise<LoadClient> {
  return LoadClient.connect(peer.address, NAMESPACE);
}

/** Digest of {@link putBlob}'s blob. */
export function digestOfBlob(n: number): string {
  return `sha256:${createHash('sha256').update(blob(n)).digest('hex')}`;
}

/** Writes a blob that no other number has. Garbage collection takes it unless an image or a lease holds it. */
export async function putBlob(client: LoadClient, n: number, lease?: string): Promise<void> {
  const data = blob(n);
  const request = {
    action: WriteAction.COMMIT,
    ref: `blob-${n}`,
    total: BigInt(data.length),
    expected: digestOfBlob(n),
    data,
  };
  await client.call(Content.method.write, request, lease === undefined ? {} : { 'containerd-lease': lease });
}

export function putImage(client: LoadClient, name: string, digest: string): Promise<unknown> {
  return client.call(Images.method.create, {
    image: {
      name,
      target: { mediaType: MANIFEST, digest, size: 256n },
      labels: { 'bench/made-by': 'bench' },
    },
  });
}

/** A container's record, of about the size that clients make of an image; nothing runs. */
export function putContainer(client: LoadClient, id: string): Promise<unknown> {
  return client.call(Containers.method.create, {
    container: {
      id,
      image: 'registry.example/image:1',
      runtime: { name: 'io.containerd.runc.v2' },
      spec: { typeUrl: TYPE_URL.spec, value: SPEC },
    },
  });
}

/** Has a daemon collect garbage, all of it, and waits for it. */
export async function collectGarbage(client: LoadClient): Promise<void> {
  const { lease } = await client.call(Leases.method.create, { id: 'collect' });
  await client.call(Leases.method.delete, { id: lease?.id ?? '', sync: true });
}

function blob(n: number): Buffer {
  return Buffer.from(`blob ${n}`.padEnd(256));
}
