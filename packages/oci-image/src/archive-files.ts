import { posix } from 'node:path';
import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Digest, Fault, isDigest, quote } from '@stowage/core';
import { inflated } from '@stowage/diff/compression';
import { ingest } from './ingest.ts';
import { readTar, type TarEntry } from './tar-read.ts';

/** Longest JSON file in an archive (containerd's limit, CVE-2023-25153). */
export const MAX_ARCHIVE_JSON_BYTES = 20 * 1024 * 1024;

/** What an archive holds, its blobs being in the store already. */
export interface ArchiveFiles {
  readonly layout: Uint8Array | undefined;
  readonly index: Uint8Array | undefined;
  readonly dockerManifest: Uint8Array | undefined;
  /** Follows links; none if the archive has no file of this name. */
  blob(path: string): ArchiveBlob | undefined;
}

export interface ArchiveBlob {
  readonly digest: Digest;
  readonly size: bigint;
}

const JSON_FILES: ReadonlySet<string> = new Set(['oci-layout', 'index.json', 'manifest.json']);
/** Leavings of old Docker versions that nothing refers to. */
const IGNORED = /^(repositories|[0-9a-f]{64}\/(VERSION|json))$/;
const MAX_LINKS = 40;

/**
 * Reads an archive from front to back, whatever the order of its entries: JSON into memory, all else into the store.
 *
 * @throws Fault `invalid_argument` for what is no tar, has a file twice, a JSON file too long, or a blob that is not
 *   what its name says.
 */
export async function readArchiveFiles(
  bytes: AsyncIterable<Uint8Array>,
  content: Pick<ContentStore, 'writer' | 'abort'>,
  options: CallOptions = {},
): Promise<ArchiveFiles> {
  const jsons = new Map<string, Uint8Array>();
  const blobs = new Map<string, ArchiveBlob>();
  const links = new Map<string, string>();
  const { signal = new AbortController().signal } = options;
  for await (const entry of readTar(inflated(bytes, signal))) {
    options.signal?.throwIfAborted();
    const path = innerPath(entry.path);
    if (entry.kind === 'link') links.set(path, innerPath(linkTarget(path, entry)));
    if (entry.kind !== 'file' || IGNORED.test(path)) continue;
    if (jsons.has(path) || blobs.has(path)) throw malformed(`it has ${quote(path)} twice`);
    if (JSON_FILES.has(path)) jsons.set(path, await jsonBytes(path, entry));
    else blobs.set(path, await blobOf(path, entry, content, options));
  }
  return {
    layout: jsons.get('oci-layout'),
    index: jsons.get('index.json'),
    dockerManifest: jsons.get('manifest.json'),
    blob(path) {
      let at = innerPath(path);
      for (let i = 0; i < MAX_LINKS; i++) {
        const next = links.get(at);
        if (next === undefined) return blobs.get(at);
        at = next;
      }
      throw malformed(`${quote(path)} is a link that leads nowhere`);
    },
  };
}

/** Names are compared only, never opened, so `..` harms nobody; it is taken as Go's path.Clean does. */
function innerPath(path: string): string {
  return posix.normalize(`/${path}`).slice(1);
}

function linkTarget(path: string, { symbolic, linkPath }: TarEntry): string {
  return symbolic && !linkPath.startsWith('/') ? posix.join(posix.dirname(path), linkPath) : linkPath;
}

async function jsonBytes(path: string, { sizeBytes, body }: TarEntry): Promise<Uint8Array> {
  if (sizeBytes > MAX_ARCHIVE_JSON_BYTES) {
    throw malformed(`${quote(path)} has ${sizeBytes} bytes, the most is ${MAX_ARCHIVE_JSON_BYTES}`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function blobOf(
  path: string,
  { body }: TarEntry,
  content: Pick<ContentStore, 'writer' | 'abort'>,
  { signal }: CallOptions,
): Promise<ArchiveBlob> {
  const [, algorithm = '', hex = ''] = /^blobs\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const claimed = `${algorithm}:${hex}`;
  const expected = isDigest(claimed) ? claimed : undefined;
  try {
    return await ingest(content, body, { expected, signal });
  } catch (e) {
    if (!Fault.is(e, 'failed_precondition') || expected === undefined) throw e;
    throw malformed(`${quote(path)} is not what its name says: ${e.message}`, e);
  }
}

function malformed(reason: string, cause?: unknown): Fault {
  return new Fault('invalid_argument', `read archive: ${reason}`, cause === undefined ? {} : { cause });
}
