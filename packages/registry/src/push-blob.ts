import { type CallOptions, type Descriptor, Fault } from '@stowage/core';
import { changing } from './access.ts';
import type { Api } from './api.ts';
import { apiUrl } from './endpoint.ts';
import { hasBlob } from './exists.ts';
import { begun } from './mount.ts';
import type { Reference } from './reference.ts';
import { sendAll } from './send-blob.ts';
import { cancelUpload, type UploadTarget } from './upload.ts';

/** Opens the bytes of a blob from an offset on, as often as it takes; `ContentStore.read` bound to a digest fits. */
export type BlobBytes = (offset: bigint, options: CallOptions) => AsyncIterable<Uint8Array>;

/** How a blob got there: it was there, was taken from another repository of the registry, or was sent. */
export type Pushed = 'exists' | 'mounted' | 'sent';

export interface PushBlobOptions extends CallOptions {
  /** Other repositories of the same registry that may have the blob; see `sourceRepositories`. Tried in order. */
  readonly mountFrom?: readonly string[] | undefined;
  /** Sends pieces of this size, as registries behind some proxies want. Default: all at once. */
  readonly chunkBytes?: number | undefined;
  /** Told how many bytes the registry was sent; fewer than before where it lost some. */
  readonly onProgress?: ((bytes: bigint) => void) | undefined;
}

export interface PushParts {
  readonly api: Api;
  /** How often what broke off is taken up again without getting any further. */
  readonly retries: number;
  readonly retryDelayMs: number;
  /** How long a registry may take over what it was sent. */
  readonly answerTimeoutMs: number;
}

/**
 * Brings one blob to a repository, unless it is there. The registry hashes what it gets.
 *
 * @throws Fault `failed_precondition` if the bytes are not as many as the descriptor says, or not those; else as requests
 *   fail. What was sent by then is taken up again only within this call.
 * @see distribution-spec, "Pushing blobs", "Mounting a blob from another repository"
 */
export async function pushBlob(
  parts: PushParts,
  reference: Reference,
  descriptor: Descriptor,
  bytes: BlobBytes,
  options: PushBlobOptions,
): Promise<Pushed> {
  const { digest } = descriptor;
  const { mountFrom = [], chunkBytes, signal } = options;
  const subject = `push ${digest} to ${reference.host}/${reference.repository}`;
  if (chunkBytes !== undefined && !(Number.isSafeInteger(chunkBytes) && chunkBytes > 0))
    throw new Fault(
      'invalid_argument',
      `${subject}: chunkBytes must be a whole number above 0, not ${chunkBytes}`,
    );
  const { answerTimeoutMs } = parts;
  const endpoint = await parts.api.pushEndpoint(subject, reference.host);
  const { scopes } = changing(reference, ['pull', 'push']);
  const target: UploadTarget = { api: parts.api, access: { endpoint, scopes }, subject, answerTimeoutMs };
  const url = apiUrl(endpoint, `${reference.repository}/blobs/${digest}`);
  if (await hasBlob(target, url, descriptor, { signal })) return 'exists';
  const uploads = apiUrl(endpoint, `${reference.repository}/blobs/uploads/`);
  const candidates = mountFrom.filter((from) => from !== reference.repository);
  const upload = await begun(target, uploads, digest, candidates, { signal });
  if (upload === 'mounted') return 'mounted';
  try {
    await sendAll({ ...parts, target, blob: url, uploads, descriptor, bytes, options }, upload);
  } catch (e) {
    await cancelUpload(target, upload);
    throw e;
  }
  return 'sent';
}
