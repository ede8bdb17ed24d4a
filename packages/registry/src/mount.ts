import { type CallOptions, type Digest, Fault, LABEL, type Labels } from '@stowage/core';
import type { Scope } from './authorizer.ts';
import { isRepository } from './reference.ts';
import { statusFault } from './status-fault.ts';
import {
  beginUpload,
  cancelUpload,
  expectDigest,
  type Upload,
  type UploadTarget,
  uploadOf,
} from './upload.ts';

/** Each costs a request, and a blob that is at none of the first is likely to be at none. */
const MAX_CANDIDATES = 4;

/**
 * Repositories of a registry that a blob came from, as its label `containerd.io/distribution.source.<host>` says.
 *
 * @param host - of the registry, with or without its port; labels name it without.
 */
export function sourceRepositories(labels: Labels, host: string): string[] {
  const value = labels[`${LABEL.distributionSource}.${host.replace(/:\d+$/, '')}`] ?? '';
  return value.split(',').filter(isRepository);
}

/**
 * Begins an upload, or has the registry take the blob from another of its repositories.
 *
 * @throws Fault as requests fail; where only mounting is refused, all is sent instead.
 */
export async function begun(
  target: UploadTarget,
  uploads: URL,
  digest: Digest,
  candidates: readonly string[],
  { signal }: CallOptions,
): Promise<Upload | 'mounted'> {
  for (const from of candidates.slice(0, MAX_CANDIDATES)) {
    const began = await mount(target, uploads, digest, from, { signal });
    if (began === 'mounted') return began;
    if (began === undefined) continue;
    // The registry does not have it there, and begins an upload instead. The token of this one is of both repositories.
    await cancelUpload(target, began);
  }
  await using response = await beginUpload(target, uploads, { signal });
  if (response.status !== 202) throw await statusFault(target.subject, response);
  return uploadOf(target, response, 0n);
}

async function mount(
  target: UploadTarget,
  uploads: URL,
  digest: Digest,
  from: string,
  { signal }: CallOptions,
): Promise<Upload | 'mounted' | undefined> {
  const { endpoint, scopes } = target.access;
  const url = new URL(uploads);
  url.searchParams.set('mount', digest);
  url.searchParams.set('from', from);
  const source: Scope = { repository: from, actions: ['pull'] };
  const both = { ...target, access: { endpoint, scopes: [...scopes, source] } };
  try {
    await using response = await beginUpload(both, url, { signal });
    if (response.status === 201) {
      expectDigest(target.subject, response, digest);
      return 'mounted';
    }
    // Whoever may not read there may still write here.
    return response.status === 202 ? uploadOf(target, response, 0n) : undefined;
  } catch (e) {
    if (Fault.is(e, 'unauthenticated') || Fault.is(e, 'permission_denied')) return undefined;
    throw e;
  }
}
