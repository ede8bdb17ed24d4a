import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { digestOf } from '@stowage/core';

/** Puts a file into a registry as a blob, by plain HTTP. */
export async function pushBlob(
  host: string,
  repository: string,
  digest: string,
  file: string,
): Promise<void> {
  const begun = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const at = new URL(begun.headers.get('location') ?? '', `http://${host}`);
  at.searchParams.set('digest', digest);
  const { size } = await stat(file);
  const put = await fetch(at, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
    body: Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>,
    duplex: 'half',
  } as RequestInit);
  if (!put.ok) throw new Error(`push blob ${digest}: ${put.status} ${await put.text()}`);
}

/** Puts a manifest into a registry under a tag. @returns its digest. */
export async function pushManifest(
  host: string,
  repository: string,
  tag: string,
  manifest: object,
): Promise<string> {
  const body = JSON.stringify(manifest);
  const put = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
    body,
  });
  if (!put.ok) throw new Error(`push manifest ${tag}: ${put.status} ${await put.text()}`);
  return digestOf(body);
}
